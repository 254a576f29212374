/* What facts may ask of the conversation that costs something (fact/evidence.h). */
#include <errno.h>

#include "base/fatal.h"
#include "policy/table.h"
#include "smtp/lobby.h"
#include "smtp/session.h"

/* ---- of every client; `owner` is the server or the session ---- */

static unsigned sessions_of(const struct smtp_server *srv, const struct addr *client)
{
    return srv->gate.sessions != NULL ? srv->gate.sessions(srv->gate.arg, client) : 1;
}

static unsigned network_sessions_of(const struct smtp_server *srv, const struct addr *client)
{
    return srv->gate.network_sessions != NULL ? srv->gate.network_sessions(srv->gate.arg, client)
                                              : 1;
}

static unsigned guest_sessions(const struct evidence *e)
{
    return sessions_of(e->owner, &e->client);
}

static unsigned guest_network_sessions(const struct evidence *e)
{
    return network_sessions_of(e->owner, &e->client);
}

static int guest_banned(const struct evidence *e)
{
    return bans_hold(e->owner, e);
}

const struct evidence_ops guest_evidence_ops = {
    .client_sessions = guest_sessions,
    .client_network_sessions = guest_network_sessions,
    .client_banned = guest_banned,
};

static unsigned session_sessions(const struct evidence *e)
{
    const struct session *s = e->owner;
    return sessions_of(s->server, &e->client);
}

static unsigned session_network_sessions(const struct evidence *e)
{
    const struct session *s = e->owner;
    return network_sessions_of(s->server, &e->client);
}

static int session_banned(const struct evidence *e)
{
    const struct session *s = e->owner;
    bool trusted = s->connect_judged && ruling_is(&s->course.rulings[PHASE_CONNECT], RULE_TRUST);
    return trusted ? 0 : bans_hold(s->server, e);
}

/* ---- the policy's tables ---- */

static const struct policy_table *table_of(const struct evidence *e, enum fact_table table)
{
    const struct session *s = e->owner;
    return s->server->policy->fact_tables[table];
}

static bool has_address(const struct evidence *e, enum fact_table table, const struct addr *address)
{
    const struct policy_table *t = table_of(e, table);
    return t != NULL && table_has_address(t, address) == 1;
}

static bool has_text(const struct evidence *e, enum fact_table table, struct slice text)
{
    const struct policy_table *t = table_of(e, table);
    return t != NULL && table_has_text(t, text) == 1;
}

static int pattern_group(const struct evidence *e, enum pattern_place place, struct slice parameter)
{
    const struct session *s = e->owner;
    return policy_pattern_group(s->server->policy, place, parameter);
}

static bool has_texts(const struct evidence *e, enum fact_table table)
{
    const struct policy_table *t = table_of(e, table);
    return t != NULL && t->has_texts;
}

/* ---- the recipient ---- */

int session_ask_hop(struct session *s)
{
    struct asked_recipient *q = &s->asked;
    int r = once_begin(&q->once);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    q->result = delivery_ask(s->delivery, q->route, q->mailbox, q->local_part, q->domain, &q->dsn,
                             &q->answer);
    once_end(&q->once, q->result >= 0);
    return q->result < 0 ? q->result : 0;
}

static int ask_recipient(const struct evidence *e, struct recipient_truth *ret)
{
    struct session *s = e->owner;
    const struct answer *a = &s->asked.answer;
    int r = session_ask_hop(s);
    if (r < 0) {
        return r;
    }
    *ret = (struct recipient_truth){
        .state = RECIPIENT_KNOWN,
        .source = a->known_before  ? SOURCE_CACHE
                  : a->source != 0 ? a->source
                                   : SOURCE_NEXT_HOP,
    };
    if (answer_is_yes(a)) {
        return 0;
    }
    if (!answer_is_no(a) && !a->from_hop) {
        ret->state = a->known_before ? RECIPIENT_KNOWN_BEFORE
                     : a->timed_out  ? RECIPIENT_NOT_ANSWERED
                                     : RECIPIENT_CANNOT_BE_ASKED;
        return 0;
    }
    ret->state = answer_says_unknown(a) ? RECIPIENT_NOT_KNOWN : RECIPIENT_KNOWN;
    ret->answer =
        arena_printf(e->arena, "%u%s" SLICE_FMT " " SLICE_FMT, a->code,
                     a->enhanced.n > 0 ? " " : "", SLICE_ARG(a->enhanced), SLICE_ARG(a->text));
    return 0;
}

static int accepts_all(const struct evidence *e, bool *ret, enum value_source *ret_source)
{
    struct session *s = e->owner;
    return delivery_accepts_all(s->delivery, s->asked.route, s->asked.domain, ret, ret_source);
}

/* ---- the message ---- */

/* Has the header's end come by now? `from`: what has been looked at. */
static bool header_ended(struct slice text, size_t from)
{
    size_t at = from > 3 ? from - 3 : 0;
    bool none = text.n >= 2 && memcmp(text.p, "\r\n", 2) == 0;
    return none || (text.n > at && memmem(text.p + at, text.n - at, "\r\n\r\n", 4) != NULL);
}

/* A header that is in several pieces: put together in the arena. */
static int join_header(struct session *s, struct spool_cursor *cursor, struct slice first,
                       struct arena *arena)
{
    struct buf b = {0};
    struct slice piece = first;
    bool ended = false;
    int r = 0;
    while (r == 0 && piece.n > 0 && !ended && b.n < HEADER_MOST) {
        size_t before = b.n;
        buf_append(&b, piece.p, piece.n < HEADER_MOST - b.n ? piece.n : HEADER_MOST - b.n);
        ended = header_ended(buf_slice(&b), before);
        r = ended ? 0 : spool_next(&s->txn.message.spool, cursor, &piece);
    }
    if (r == 0) {
        s->txn.header_text = arena_copy(arena, buf_slice(&b));
        r = ended || piece.n == 0 ? 0 : -E2BIG;
    }
    buf_free(&b);
    return r;
}

/* Nearly always the header is within the spool's first block, which stays where it is. */
static int read_header(struct session *s, struct arena *arena)
{
    struct spool *spool = &s->txn.message.spool;
    struct spool_cursor cursor = {0};
    struct slice first;
    int r = spool_next(spool, &cursor, &first);
    if (r == 0 && cursor.file_buffer == NULL && (first.n == 0 || header_ended(first, 0))) {
        s->txn.header_text = first;
    } else if (r == 0) {
        r = join_header(s, &cursor, first, arena);
    }
    spool_cursor_end(spool, &cursor);
    return r;
}

static int message_header(const struct evidence *e, struct slice *ret)
{
    struct session *s = e->owner;
    struct transaction *t = &s->txn;
    int r = once_begin(&t->header_once);
    if (r == 0) {
        t->header_error = read_header(s, e->arena);
        once_end(&t->header_once, t->header_error != -ECANCELED);
        r = t->header_error == -ECANCELED ? -ECANCELED : 1;
    }
    if (r < 0) {
        return r;
    }
    if (t->header_error == 0 || t->header_error == -E2BIG) {
        *ret = t->header_text;
    }
    return t->header_error;
}

/* The policy's patterns as its tables are now: they may have been read again since the last
 * message. */
static void renew_patterns(struct smtp_server *srv)
{
    uint64_t generation = policy_patterns_generation(srv->policy);
    if (srv->policy->pattern_count == 0 || srv->patterns_generation == generation + 1) {
        return;
    }
    struct buf octets = {0};
    policy_pattern_groups(srv->policy, &octets);
    inspected_set_patterns(&srv->inspected_by, buf_slice(&octets), srv->policy->pattern_count);
    buf_free(&octets);
    srv->patterns_generation = generation + 1;
}

static int inspected(const struct evidence *e, const struct inspection **ret)
{
    struct session *s = e->owner;
    renew_patterns(s->server);
    return inspected_ask(&s->txn.inspected, &s->server->inspected_by, &s->txn.message,
                         &s->delivery->arena, ret);
}

const struct evidence_ops session_evidence_ops = {
    .client_sessions = session_sessions,
    .client_network_sessions = session_network_sessions,
    .client_banned = session_banned,
    .table_has_address = has_address,
    .table_has_text = has_text,
    .table_has_texts = has_texts,
    .ask_recipient = ask_recipient,
    .accepts_all = accepts_all,
    .message_header = message_header,
    .pattern_group = pattern_group,
    .inspected = inspected,
};
