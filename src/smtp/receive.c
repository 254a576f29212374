/* Taking a message in, by DATA or BDAT: always to its end, kept or not.
 *
 * What cannot be kept (too large, no memory, a full disk) is still read, so that the one reply
 * comes where the client expects it. A client that is too slow for `limit data_rate` is not waited
 * for; the time in which we made it wait does not count against it. */
#include <errno.h>

#include "auth/signed_message.h"
#include "fact/sender_checks.h"
#include "smtp/session.h"

/* The rate is a mean, and fair only over some time. */
#define RATE_GRACE (60 * USEC_SEC)

/* Is the message to be hashed for its signatures while it comes in? */
static bool wants_signatures(const struct session *s)
{
    const struct smtp_server *srv = s->server;
    bool ruled = srv->policy->asks_signatures && !course_skips_message(&s->course);
    return srv->resolver != NULL && (ruled || sender_report_wanted(s));
}

void receive_begin(struct session *s, bool by_bdat)
{
    struct transaction *t = &s->txn;
    if (s->digest == NULL) {
        s->digest = digest_stream_new();
    }
    t->message = (struct message){.by_bdat = by_bdat};
    spool_init(&t->message.spool, &s->server->spool);
    digest_stream_init(s->digest);
    data_decoder_init(&t->decoder);
    header_counter_init(&t->header);
    header_counter_add(&t->header, s->server->conf->claims, s->server->conf->claim_count);
    if (wants_signatures(s)) {
        s->evidence.checks->message = signed_message_new(&s->delivery->arena);
        signed_message_charge(s->evidence.checks->message, &s->server->budget);
    }
    t->data_began = t->data_at = rt_now();
    t->spooling = true;
    session_enter(s, SESSION_DATA);
}

/* Until when enough octets have come for the mean rate to be kept. */
static usec_t rate_deadline(const struct session *s, usec_t began, uint64_t octets)
{
    int64_t rate = s->server->conf->limits.data_rate;
    if (rate == 0) {
        return USEC_NEVER;
    }
    usec_t earned = (usec_t)(octets / (uint64_t)rate) * USEC_SEC;
    return began + (earned > RATE_GRACE ? earned : RATE_GRACE);
}

/* Waits for further octets, of which `octets` have come since `began`. */
static int fill(struct session *s, usec_t began, uint64_t octets)
{
    const struct conf_limits *l = &s->server->conf->limits;
    usec_t rate = rate_deadline(s, began, octets);
    if (rt_now() > rate) { /* also where each chunk came whole, but late */
        session_goodbye(s, REPLY_SLOW);
        return -ETIMEDOUT;
    }
    usec_t deadline = rt_now() + l->idle_time;
    if (s->began + l->session_time < deadline) {
        deadline = s->began + l->session_time;
    }
    int r = input_fill(s, rate < deadline ? rate : deadline);
    if (r == -ETIMEDOUT && rt_now() >= rate) {
        session_goodbye(s, REPLY_SLOW);
    }
    return r;
}

static void give_up(struct session *s, enum receive_failure why)
{
    struct sender_checks *checks = s->evidence.checks;
    s->txn.failure = why;
    spool_reset(&s->txn.message.spool);
    checks->message = signed_message_free(checks->message);
}

/* For the signatures. Behind the spool, so that no memory is held for the header while a message
 * waits for its first block (message/spool.h). */
static void hash(struct session *s, const char *p, size_t n)
{
    struct signed_message *m = s->evidence.checks->message;
    if (m == NULL) {
        return;
    }
    signed_message_feed(m, p, n);
    if (signed_message_lacks_memory(m)) {
        s->server->counts->spool_memory_452++;
        give_up(s, RECEIVE_MEMORY);
    }
}

/* Octets of the message: 0, or -ECANCELED. */
static int keep(struct session *s, const char *p, size_t n)
{
    struct transaction *t = &s->txn;
    t->message_octets += n;
    s->server->counts->octets_received += n;
    if (t->failure != RECEIVE_OK || n == 0) {
        return 0;
    }
    if (t->message_octets > (uint64_t)s->server->conf->limits.message_size) {
        give_up(s, RECEIVE_SIZE);
        return 0;
    }
    digest_stream_update(s->digest, p, n);
    header_counter_feed(&t->header, p, n);
    usec_t before = rt_now();
    int r = spool_append(&t->message.spool, p, n, before + s->server->conf->limits.spool_wait);
    t->data_began += rt_now() - before;
    if (r == -ECANCELED) {
        return r;
    }
    if (r == -ETIMEDOUT) {
        s->server->counts->spool_memory_452++;
        give_up(s, RECEIVE_MEMORY);
    } else if (r < 0) {
        s->server->counts->spool_file_452++;
        give_up(s, RECEIVE_FILE);
    } else {
        hash(s, p, n);
    }
    return 0;
}

int receive_data(struct session *s)
{
    struct input *in = &s->input;
    bool end = false;
    while (!end) {
        int r = fill(s, s->txn.data_began, s->txn.message_octets);
        if (r < 0) {
            return r;
        }
        char *p = in->block + in->start;
        size_t out;
        size_t taken = data_decode(&s->txn.decoder, p, in->end - in->start, &out, &end);
        r = keep(s, p, out);
        if (r < 0) {
            return r;
        }
        input_take(s, taken);
    }
    return 0;
}

static int keep_chunk(struct session *s, const char *p, size_t n)
{
    data_scan(&s->txn.decoder, p, n);
    return keep(s, p, n);
}

int receive_chunk(struct session *s, uint64_t size, bool wanted)
{
    struct input *in = &s->input;
    usec_t began = rt_now();
    uint64_t dropped = 0;
    while (size > 0) {
        int r =
            wanted ? fill(s, s->txn.data_began, s->txn.message_octets) : fill(s, began, dropped);
        if (r < 0) {
            return r;
        }
        const char *p = in->block + in->start;
        size_t n = in->end - in->start;
        if (n > size) {
            n = (size_t)size;
        }
        r = wanted ? keep_chunk(s, p, n) : 0;
        if (r < 0) {
            return r;
        }
        dropped += n;
        input_take(s, n);
        size -= n;
    }
    return 0;
}

void receive_end(struct session *s)
{
    struct message *m = &s->txn.message;
    s->txn.received = rt_now();
    if (m->by_bdat) {
        data_scan_end(&s->txn.decoder);
    }
    const struct data_notes *notes = &s->txn.decoder.notes;
    m->digest = digest_stream_finish(s->digest);
    if (s->evidence.checks->message != NULL) {
        signed_message_end(s->evidence.checks->message);
    }
    m->bare_cr_or_lf = notes->bare_cr_or_lf;
    m->has_nul = notes->has_nul;
    m->has_8bit = notes->has_8bit;
    m->has_leading_dot = notes->has_leading_dot;
    m->ends_in_crlf = s->txn.message_octets == 0 || s->txn.decoder.line == 0;
    m->received_count = s->txn.header.received;
    m->results_count = s->txn.header.results;
    m->begins_blank = s->txn.header.begins_blank;
    m->longest_line = notes->longest_line;
}
