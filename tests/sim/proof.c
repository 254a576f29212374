#include "proof.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fatal.h"
#include "house.h"
#include "mail_client.h"
#include "mail_hop.h"
#include "rt/sys.h"
#include "smtp/session.h"

struct trial {
    const struct proof_case *c;
    struct house *house;
    struct mail_hop *hop;
    struct mail_hop *second;
    struct mail_client client;
    struct worker *victim;
    size_t budget_limit;
    bool fired;
    bool fired_in_commit; /* between the commit and the settled ledger */
    bool must_drain;
    unsigned ends; /* of the hops' connections, counted to find one of them */
    usec_t began;
    struct rt_timer passing; /* ends those faults that last */
};

/* ---- the ways ---- */

enum fate { TAKEN, REFUSED, PUT_OFF };

/* The hop puts off for this long. */
#define PUT_OFF_FOR (300 * USEC_SEC)

struct way {
    const char *name;
    const char *routes;
    unsigned count;
    struct {
        const char *mailbox;
        enum fate fate;
    } recipients[CLIENT_RECIPIENTS];
};

static const struct way ways[] = {
    [PROOF_SMTP] = {"smtp",
                    "route example.org to smtp://" HOUSE_HOP "\n",
                    3,
                    {{"anna@example.org"}, {"bert@example.org"}, {"carl@example.org"}}},
    [PROOF_MAILDIR] = {"maildir",
                       "route example.org to maildir:@DIR@/mail/%{rcpt.local_part}\n",
                       3,
                       {{"anna@example.org"}, {"bert@example.org"}, {"carl@example.org"}}},
    [PROOF_LMTP] = {"lmtp",
                    "route example.org to lmtp://" HOUSE_LMTP "\n",
                    4,
                    {{"refi@example.org", REFUSED},
                     {"anna@example.org"},
                     {"puto@example.org", PUT_OFF},
                     {"bert@example.org"}}},
    [PROOF_ROUTES] = {"routes",
                      "route example.org to smtp://" HOUSE_HOP "\n"
                      "route lmtp.example to lmtp://" HOUSE_LMTP "\n"
                      "route box.example to maildir:@DIR@/mail/%{rcpt.local_part}\n",
                      6,
                      {{"anna@example.org"},
                       {"refi@lmtp.example", REFUSED},
                       {"bert@lmtp.example"},
                       {"carl@box.example"},
                       {"puto@lmtp.example", PUT_OFF},
                       {"dora@example.org"}}},
    [PROOF_FAILOVER] = {"failover",
                        "route example.org to smtp://" HOUSE_HOP ", smtp://" HOUSE_HOP_2 "\n"
                        "route lmtp.example to lmtp://" HOUSE_LMTP ", lmtp://" HOUSE_LMTP_2 "\n",
                        5,
                        {{"anna@example.org"},
                         {"bert@lmtp.example"},
                         {"refi@lmtp.example", REFUSED},
                         {"puto@lmtp.example", PUT_OFF},
                         {"dora@example.org"}}},
};

static const struct way *way_of(const struct trial *t)
{
    return &ways[t->c->way];
}

/* What an LMTP hop says to the message for one recipient. */
static void hop_script(void *arg, enum hop_point point, const char *line, struct hop_move *ret)
{
    const struct trial *t = arg;
    if (point != HOP_END) {
        return;
    }
    if (strncmp(line, "refi@", 5) == 0) {
        *ret = (struct hop_move){.kind = HOP_SAY, .reply = "550 5.7.1 not for this one"};
    } else if (strncmp(line, "puto@", 5) == 0 && rt_now() < t->began + PUT_OFF_FOR) {
        *ret = (struct hop_move){.kind = HOP_SAY, .reply = "450 4.2.0 come back later"};
    }
}

static const char *const fault_texts[] = {
#define X(name, text) text,
    PROOF_FAULTS(X)
#undef X
};

const char *proof_fault_text(enum proof_fault f)
{
    return fault_texts[f];
}

void proof_case_print(const struct proof_case *c, FILE *to)
{
    fprintf(to, "%s%s%s%s, %s at await %llu (seed %llu)", ways[c->way].name,
            c->tls ? " tls" : " plain", c->bdat ? " bdat" : " data",
            c->pipelined ? " pipelined" : " stepwise", fault_texts[c->fault],
            (unsigned long long)c->at, (unsigned long long)c->seed);
}

/* ---- how many copies has a recipient? ---- */

static unsigned count_files(const char *folder)
{
    unsigned n = 0;
    struct dirent *e;
    DIR *d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL) {
        n += e->d_name[0] != '.';
    }
    if (d != NULL) {
        closedir(d);
    }
    return n;
}

static bool has_folder(const struct trial *t, const char *recipient)
{
    return t->c->way == PROOF_MAILDIR || strstr(recipient, "@box.example") != NULL;
}

static unsigned copies(const struct trial *t, const char *recipient)
{
    if (!has_folder(t, recipient)) {
        return mail_hop_copies(t->hop, recipient) + mail_hop_copies(t->second, recipient);
    }
    char folder[160];
    snprintf(folder, sizeof folder, "%s/mail/%.*s/new", t->house->folder,
             (int)strcspn(recipient, "@"), recipient);
    return count_files(folder);
}

static bool has_copy(void *arg, const char *recipient)
{
    return copies(arg, recipient) > 0;
}

/* ---- the faults ---- */

/* A hop that is down, and memory that is used up, are so for the first attempts. */
#define FAULT_LASTS (100 * USEC_SEC)

static int file_error; /* given once by the next system call */

static int fail_once(enum sys_op op)
{
    (void)op;
    int e = file_error;
    file_error = 0;
    return e;
}

static void cut_hop(void *arg, struct stream *end, bool accepted)
{
    if (!accepted) {
        sim_cut(end, *(bool *)arg);
    }
}

/* One of several connections to hops: another from await to await. */
static void cut_one(void *arg, struct stream *end, bool accepted)
{
    struct trial *t = arg;
    if (!accepted && t->ends++ == t->c->at % 2) {
        sim_cut(end, t->c->fault == FAULT_ONE_GONE_LATE);
    }
}

static void stall_hop(void *arg, struct stream *end, bool accepted)
{
    (void)arg;
    if (!accepted) {
        sim_stall(end);
    }
}

static void cut_client(void *arg, struct stream *end, bool accepted)
{
    (void)arg;
    if (accepted) {
        sim_cut(end, false);
    }
}

static void stall_client(void *arg, struct stream *end, bool accepted)
{
    (void)arg;
    if (accepted) {
        sim_stall(end);
    }
}

static void cancel_sessions(struct worker *w)
{
    list_for_each (it, &w->server.sessions) {
        struct session *s = list_entry(it, struct session, link);
        if (s->scope != NULL) {
            scope_cancel(s->scope, -ESHUTDOWN);
        }
    }
}

static void make_fault(struct trial *t)
{
    struct worker *w = t->victim;
    bool deliver = t->c->fault == FAULT_HOP_GONE_LATE;
    switch (t->c->fault) {
    case FAULT_CLIENT_GONE: sim_each_end(w->rt, cut_client, NULL); break;
    case FAULT_CLIENT_STALL: sim_each_end(w->rt, stall_client, NULL); break;
    case FAULT_HOP_GONE:
    case FAULT_HOP_GONE_LATE: sim_each_end(w->rt, cut_hop, &deliver); break;
    case FAULT_ONE_GONE:
    case FAULT_ONE_GONE_LATE: sim_each_end(w->rt, cut_one, t); break;
    case FAULT_HOP_DOWN:
        mail_hop_listen(t->hop, false);
        mail_hop_cut(t->hop);
        break;
    case FAULT_HOP_STALL: sim_each_end(w->rt, stall_hop, NULL); break;
    case FAULT_HOP_SLOW:
        t->client.patience = 40 * USEC_SEC;
        t->hop->slow = t->second->slow = 400 * USEC_SEC;
        break;
    case FAULT_CANCELLED: cancel_sessions(w); break;
    case FAULT_BUDGET: w->server.budget.limit = 0; break;
    case FAULT_ENOSPC_FILE: file_error = -ENOSPC; break;
    case FAULT_EIO_FILE: file_error = -EIO; break;
    case FAULT_STORE_ERROR: sim_next_call(w->rt, RT_CALL_STORE, -EIO, 0); break;
    case FAULT_STORE_SLOW: sim_next_call(w->rt, RT_CALL_STORE, 0, 30 * USEC_SEC); break;
    case FAULT_KILLED: house_kill(t->house, 0); break;
    case FAULT_SIGTERM:
        house_drain(t->house, 0);
        t->must_drain = true;
        break;
    case FAULT_NONE:
    case FAULT_COUNT: break;
    }
}

static void end_fault(void *arg)
{
    struct trial *t = arg;
    t->victim->server.budget.limit = (size_t)t->house->conf->limits.spool_memory;
    mail_hop_listen(t->hop, true);
}

static void on_await(void *arg, uint64_t n)
{
    struct trial *t = arg;
    if (n == t->c->at && !t->fired) {
        const struct counters *st = &t->victim->counts;
        t->fired = true;
        t->fired_in_commit = st->commits > st->commits_settled + st->commits_unknown;
        make_fault(t);
        rt_timer_set(t->house->outside, &t->passing, sim_now(t->house->sim) + FAULT_LASTS);
    }
}

/* ---- the trial ---- */

static const char conf[] = "hostname mx.example\n"
                           "listen 192.0.2.10:25\n"
                           "limit message_memory 16384\n";

/* Long enough to go through the spool's file. */
static char *make_message(void)
{
    size_t lines = 450;
    char *text = xmalloc(lines * 80 + 200);
    int n = sprintf(text, "Subject: proof\r\n\r\n");
    for (size_t i = 0; i < lines; i++) {
        n += sprintf(text + n, "line %4zu of a message that must neither be lost nor doubled\r\n",
                     i);
    }
    return text;
}

static void make_mailboxes(const struct trial *t)
{
    for (unsigned i = 0; i < t->client.recipient_count; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/mail/%.4s", t->house->folder, t->client.recipients[i]);
        mkdir(path, 0700);
    }
}

static void begin(struct trial *t, char *message)
{
    const struct proof_case *c = t->c;
    char text[600];
    snprintf(text, sizeof text, "%s%s", conf, way_of(t)->routes);
    t->house = house_new(c->seed, text, 2, c->tls);
    t->began = sim_now(t->house->sim);
    t->hop = mail_hop_new(t->house);
    t->hop->chunking = c->bdat;
    t->second = mail_hop_new_number(t->house, 1);
    t->second->chunking = c->bdat;
    t->hop->script = t->second->script = hop_script;
    t->hop->script_arg = t->second->script_arg = t;
    t->client = (struct mail_client){
        .house = t->house,
        .tls = c->tls,
        .bdat = c->bdat,
        .pipelined = c->pipelined,
        .message = message,
        .patience = 1200 * USEC_SEC,
        .has_copy = has_copy,
        .has_copy_arg = t,
        .recipient_count = way_of(t)->count,
    };
    for (unsigned i = 0; i < way_of(t)->count; i++) {
        t->client.recipients[i] = way_of(t)->recipients[i].mailbox;
    }
    make_mailboxes(t);
    t->victim = house_worker(t->house, 0);
    t->passing = (struct rt_timer){.fn = end_fault, .arg = t};
    file_error = 0;
    sys_fault = fail_once;
    sim_on_await(t->victim->rt, on_await, t);
}

static void fail(struct proof_result *r, const char *why)
{
    if (!r->violated) {
        r->violated = true;
        snprintf(r->why, sizeof r->why, "%s", why);
    }
}

/* What became of one recipient. */
static void check_recipient(struct trial *t, unsigned i, bool excused, struct proof_result *r)
{
    const struct mail_client *c = &t->client;
    unsigned n = copies(t, c->recipients[i]);
    if (way_of(t)->recipients[i].fate == REFUSED) {
        if (c->finals[i] != CLIENT_REFUSED) {
            fail(r, "no honest refusal");
        }
        if (n > 0) {
            fail(r, "a copy where the hop refused it");
        }
        return;
    }
    if (c->finals[i] == CLIENT_REFUSED) {
        fail(r, "refused for good because of a passing fault");
    }
    if (c->finals[i] == CLIENT_DELIVERED && n == 0) {
        fail(r, "accepted and lost");
    }
    if (n > 1 && (!excused || c->attempts == 1)) {
        fail(r, "delivered twice");
    }
    r->exception |= n > 1;
}

static void check(struct trial *t, struct proof_result *r)
{
    const struct mail_client *c = &t->client;
    uint64_t lost_track = house_stat(t->house, offsetof(struct counters, commits_unknown)) +
                          house_stat(t->house, offsetof(struct counters, ledger_failed));
    bool excused = lost_track > 0 || t->fired_in_commit;
    r->put_off_delivered = c->put_off > 0;
    r->attempts = c->attempts;
    if (!c->done || c->attempts >= CLIENT_ATTEMPTS) {
        fail(r, "no final answer after many attempts");
    }
    if (c->unfounded > 0) {
        fail(r, "250 without a copy at the hop");
    }
    if (c->false_no > 0) {
        fail(r, "5xx for a delivered message");
    }
    if (c->stray > 0) {
        fail(r, "more than one reply to the end of the data");
    }
    for (unsigned i = 0; i < c->recipient_count; i++) {
        check_recipient(t, i, excused, r);
    }
    if (t->c->way == PROOF_FAILOVER && t->c->fault == FAULT_HOP_DOWN && c->attempts > 7) {
        fail(r, "the other hop was of no use");
    }
    bool late = house_stat(t->house, offsetof(struct counters, late_answers)) > 0;
    if (c->put_off > 0 && !excused && !late &&
        house_stat(t->house, offsetof(struct counters, in_doubt_451)) == 0) {
        fail(r, "4xx for a delivered message");
    }
    if (c->put_off_again > 0 && t->c->fault == FAULT_NONE) {
        fail(r, "a retry of what was delivered is put off");
    }
    r->exception |= c->put_off > 0;
    if (t->must_drain && !house_drained(t->house)) {
        fail(r, "a worker did not end after SIGTERM");
    }
}

void proof_run(const struct proof_case *c, struct proof_result *ret)
{
    struct trial t = {.c = c};
    char *message = make_message();
    *ret = (struct proof_result){0};
    begin(&t, message);
    mail_client_start(&t.client);
    sim_run(t.house->sim, USEC_NEVER);
    ret->awaits = rt_stats(t.victim->rt)->awaits;
    check(&t, ret);
    sys_fault = NULL;
    mail_hop_free(t.hop);
    mail_hop_free(t.second);
    house_free(t.house);
    free(message);
}
