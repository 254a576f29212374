/* See route/recipients.h. What is asked in which order at RCPT:
 *
 *  1. The list, database or server that the configuration names for the domain. Who is not known
 *     there is refused here, and the next hop is not bothered. A server is asked in a transaction
 *     of its own, which RSET ends: what it said a while ago only counts while it cannot be asked.
 *  2. What the next hop has said of the recipient in the last minutes, if that was a no.
 *  3. The next hop, by the caller, in the client's own transaction.
 *
 * postmaster is never refused by a list (RFC 5321 4.5.1): the next hop decides. */
#include "route/recipients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "route/accept_all.h"
#include "route/recipient_list.h"
#include "route/recipient_notes.h"
#include "route/recipient_sql.h"
#include "rt/file_watch.h"

/* The operator hears of the same trouble with a database this often. */
#define TROUBLE_EVERY (60 * USEC_SEC)
/* A database that others have questions for is waited for this long. */
#define TURN_TIME (10 * USEC_SEC)
/* route.accept_all is waited for this long. */
#define ACCEPT_ALL_TIME (30 * USEC_SEC)

/* What knows the recipients of some domains. */
struct knower {
    const struct conf_recipients *conf;
    struct recipient_list *list; /* file; NULL: it could not be read yet */
    struct recipient_sql *sql;   /* sqlite */
    bool asked;                  /* sqlite: a query is under way */
    struct cond answered;        /* and its end */
    usec_t told_at;              /* of trouble with it */
};

struct recipients {
    struct rt *rt;
    const struct conf *conf;
    struct hop_pools *pools;
    struct store *store;
    recipients_tell *tell;
    void *arg;
    struct accept_all *accept_all;
    struct file_watch *watch;
    bool assumed;            /* recipients_assume */
    struct knower sources[]; /* one for each conf->recipients */
};

/* ---- lists in files ---- */

static void *parse_list(struct slice text, char *ret_why, size_t why_size)
{
    return recipient_list_parse(text, ret_why, why_size);
}

static bool take_list(void *arg, void *content)
{
    struct knower *s = arg;
    bool same = s->list != NULL && recipient_list_same(s->list, content);
    (void)recipient_list_free(same ? content : s->list);
    s->list = same ? s->list : content;
    return !same;
}

static size_t count_list(void *arg)
{
    const struct knower *s = arg;
    return recipient_list_count(s->list);
}

static void drop_list(void *content)
{
    (void)recipient_list_free(content);
}

static const struct watched_kind list_kind = {
    .parse = parse_list,
    .take = take_list,
    .count = count_list,
    .drop = drop_list,
};

static struct watched_file watched(const struct conf_recipients *c, struct knower *s)
{
    return (struct watched_file){
        .what = "recipients",
        .file = c->path,
        .most = RECIPIENT_LIST_MOST,
        .kind = &list_kind,
        .arg = s,
    };
}

/* ---- life ---- */

/* Reads the lists, and begins to watch them. */
static void open_lists(struct recipients *r)
{
    size_t n = 0;
    struct watched_file *files = xcalloc(r->conf->recipients_count + 1, sizeof(*files));
    for (size_t i = 0; i < r->conf->recipients_count; i++) {
        struct knower *s = &r->sources[i];
        char why[400];
        if (s->conf->kind != CONF_RECIPIENTS_FILE) {
            continue;
        }
        files[n] = watched(s->conf, s);
        s->list = file_watch_read(&files[n], why, sizeof(why));
        if (s->list == NULL) {
            char line[512];
            (void)snprintf(line, sizeof(line), "recipients: %s", why);
            r->tell(r->arg, true, line);
        }
        n++;
    }
    r->watch = file_watch_new(r->rt, files, n, r->tell, r->arg);
    free(files);
}

struct recipients *recipients_new(struct rt *rt, const struct conf *conf, struct hop_pools *pools,
                                  struct store *store, recipients_tell *tell, void *arg)
{
    struct recipients *r = xcalloc(1, sizeof(*r) + conf->recipients_count * sizeof(r->sources[0]));
    r->rt = rt;
    r->conf = conf;
    r->pools = pools;
    r->store = store;
    r->tell = tell;
    r->arg = arg;
    r->accept_all = accept_all_new(rt, conf, pools, store, tell, arg);
    for (size_t i = 0; i < conf->recipients_count; i++) {
        struct knower *s = &r->sources[i];
        s->conf = conf->recipients[i];
        s->told_at = -TROUBLE_EVERY;
        if (s->conf->kind == CONF_RECIPIENTS_SQLITE) {
            s->sql = recipient_sql_new(s->conf->path, s->conf->query);
            cond_init(&s->answered);
        }
    }
    open_lists(r);
    return r;
}

void recipients_assume(struct recipients *r)
{
    r->watch = file_watch_free(r->watch);
    r->assumed = true;
}

void recipients_drain(struct recipients *r)
{
    if (r != NULL) {
        accept_all_drain(r->accept_all);
        r->watch = file_watch_free(r->watch);
    }
}

struct recipients *recipients_free(struct recipients *r)
{
    if (r == NULL) {
        return NULL;
    }
    (void)file_watch_free(r->watch);
    (void)accept_all_free(r->accept_all);
    for (size_t i = 0; i < r->conf->recipients_count; i++) {
        (void)recipient_list_free(r->sources[i].list);
        (void)recipient_sql_free(r->sources[i].sql);
    }
    free(r);
    return NULL;
}

/* ---- are they any good? ---- */

static int check_list(const struct conf_recipients *c, const char *file, struct conf_error *error)
{
    char why[400];
    struct watched_file f = watched(c, NULL);
    struct recipient_list *list = file_watch_read(&f, why, sizeof(why));
    if (list == NULL) {
        conf_error_set(error, file, c->path_place, "recipients from file %s", why);
        return -EINVAL;
    }
    (void)recipient_list_free(list);
    return 0;
}

/* Where in the configuration an octet of the query stands; in a string with escapes, about there.
 */
static struct place place_in_query(const struct conf_recipients *c, int offset)
{
    struct place place = c->query_place;
    place.column += 1 + (unsigned)offset;
    return place;
}

static int check_sql(const struct conf_recipients *c, const char *file, struct conf_error *error)
{
    char why[RECIPIENT_SQL_WHY];
    int offset = -1;
    struct recipient_sql *sql = recipient_sql_new(c->path, c->query);
    int r = recipient_sql_prepare(sql, why, &offset);
    (void)recipient_sql_free(sql);
    if (r < 0 && offset >= 0) {
        conf_error_set(error, file, place_in_query(c, offset), "recipients from sqlite %s: %s",
                       c->path, why);
    } else if (r < 0) {
        conf_error_set(error, file, c->path_place, "recipients from sqlite %s: %s", c->path, why);
    }
    return r < 0 ? -EINVAL : 0;
}

int recipients_check(const struct conf *conf, const char *file, struct conf_error *ret_error)
{
    int r = 0;
    for (size_t i = 0; i < conf->recipients_count && r == 0; i++) {
        const struct conf_recipients *c = conf->recipients[i];
        switch (c->kind) {
        case CONF_RECIPIENTS_FILE: r = check_list(c, file, ret_error); break;
        case CONF_RECIPIENTS_SQLITE: r = check_sql(c, file, ret_error); break;
        case CONF_RECIPIENTS_SERVER: break;
        }
    }
    return r;
}

/* ---- asking them ---- */

struct query {
    struct recipient_sql *sql;
    const struct recipient_question *q;
    char why[RECIPIENT_SQL_WHY];
};

/* In the file thread. */
static int run_query(void *arg)
{
    struct query *query = arg;
    return recipient_sql_has(query->sql, query->q->local_part, query->q->domain, query->why);
}

/* One query at a time for each database: one that is locked would take all the file threads, which
 * messages need as well. */
static int await_turn(struct knower *s)
{
    usec_t until = rt_now() + TURN_TIME;
    while (s->asked) {
        int error = cond_wait(&s->answered, until);
        if (error < 0) {
            cond_wake_one(&s->answered); /* it may have been our turn */
            return error;
        }
    }
    return 0;
}

static int query_in_turn(struct knower *s, struct query *query)
{
    int known = await_turn(s);
    if (known == 0) {
        s->asked = true;
        known = rt_call(RT_CALL_FILE, run_query, query);
        s->asked = false;
        cond_wake_one(&s->answered);
    }
    return known;
}

/* Is the operator to hear of trouble with it now? In a rehearsal, whose minutes are none, once. */
static bool is_due(const struct recipients *r, const struct knower *s)
{
    return r->assumed ? s->told_at < 0 : rt_now() - s->told_at >= TROUBLE_EVERY;
}

/* 1, 0, -ECANCELED, or another error, of which the operator is told. */
static int ask_sql(struct recipients *r, struct knower *s, const struct recipient_question *q)
{
    struct query query = {.sql = s->sql, .q = q};
    int known = query_in_turn(s, &query);
    if (known < 0 && known != -ECANCELED && is_due(r, s)) {
        char line[700];
        s->told_at = rt_now();
        (void)snprintf(line, sizeof(line), "recipients from %s: %s", s->conf->name,
                       query.why[0] != '\0' ? query.why : strerrordesc_np(-known));
        r->tell(r->arg, true, line);
    }
    return known;
}

static bool is_postmaster(const struct recipient_question *q)
{
    return slice_eq_nocase(q->local_part, SLICE_LIT("postmaster"));
}

/* What a list says, of a file or database. */
static int ask_list(struct recipients *r, struct knower *s, const struct recipient_question *q,
                    struct answer *ret)
{
    int known = -ENOENT;
    if (is_postmaster(q)) {
        return 0;
    }
    if (s->sql != NULL) {
        known = ask_sql(r, s, q);
    } else if (s->list != NULL) {
        known = recipient_list_has(s->list, q->local_part, q->domain, s->conf->delimiters);
    }
    if (known == 1 || known == -ECANCELED || (known < 0 && r->assumed)) {
        return known == -ECANCELED ? known : 0;
    }
    *ret = reply_answer(known == 0 ? REPLY_NO_MAILBOX : REPLY_NO_LIST);
    ret->source = SOURCE_LIST;
    return 1;
}

/* Asks a server in a transaction of its own: the answer, ours where it cannot be asked, and by
 * which of its hops. 0 or -ECANCELED. */
static int probe(struct recipients *r, const struct conf_route *server,
                 const struct recipient_question *q, struct answer *ret, struct slice *ret_by)
{
    const struct conf_limits *l = &r->conf->limits;
    struct envelope *envelope = arena_zalloc(q->arena, sizeof(*envelope));
    struct hop_recipient recipient = {
        .mailbox = q->mailbox, .local_part = q->local_part, .domain = q->domain};
    envelope->origin = q->envelope->origin;
    envelope->sender = q->envelope->sender;
    envelope->smtputf8 = q->envelope->smtputf8;
    struct hop *hop = hop_begin(r->pools, server, envelope, q->arena);
    int error = hop_rcpt(hop, &recipient, rt_now() + l->connect_time + l->hop_reply_time);
    const struct hop_story *story = hop_story(hop);
    (void)hop_end(hop);
    *ret = recipient.answer;
    ret->source = SOURCE_SERVER;
    *ret_by = story->hop;
    return error;
}

/* What a server other than the next hop says. */
static int ask_server(struct recipients *r, const struct conf_recipients *c,
                      const struct recipient_question *q, struct answer *ret)
{
    enum recipient_note note = recipient_note_find(r->store, r->conf, c->server, q, rt_wall(), ret);
    if (note == RECIPIENT_NOTE_NO) {
        return 1;
    }
    struct slice by;
    int error = probe(r, c->server, q, ret, &by);
    if (error < 0) {
        return error;
    }
    if (!ret->from_hop) {
        return note == RECIPIENT_NOTE_YES || c->otherwise_accept ? 0 : 1;
    }
    recipient_note_keep(r->store, r->conf, c->server, q, rt_wall(), ret);
    if (answer_is_yes(ret)) {
        accept_all_suspect(r->accept_all, c->server, by, q->domain, q->envelope);
        return 0;
    }
    return 1;
}

int recipients_before(struct recipients *r, const struct recipient_question *q, struct answer *ret)
{
    if (r == NULL) {
        return 0;
    }
    const struct conf_recipients *c = conf_recipients_find(r->conf, q->domain);
    int answered = 0;
    if (c != NULL && !(r->assumed && c->kind == CONF_RECIPIENTS_SERVER)) {
        answered = c->kind == CONF_RECIPIENTS_SERVER ? ask_server(r, c, q, ret)
                                                     : ask_list(r, &r->sources[c->index], q, ret);
    }
    if (answered != 0 || r->assumed || q->route->kind == CONF_ROUTE_MAILDIR) {
        return answered;
    }
    return recipient_note_find(r->store, r->conf, q->route, q, rt_wall(), ret) == RECIPIENT_NOTE_NO;
}

void recipients_after(struct recipients *r, const struct recipient_question *q, struct slice hop,
                      struct answer *answer)
{
    if (r == NULL || r->assumed || q->route->kind == CONF_ROUTE_MAILDIR) {
        return;
    }
    if (!answer->from_hop) {
        struct answer no;
        answer->known_before =
            !answer_is_no(answer) && recipient_note_find(r->store, r->conf, q->route, q, rt_wall(),
                                                         &no) == RECIPIENT_NOTE_YES;
        return;
    }
    recipient_note_keep(r->store, r->conf, q->route, q, rt_wall(), answer);
    if (answer_is_yes(answer) && conf_recipients_find(r->conf, q->domain) == NULL) {
        accept_all_suspect(r->accept_all, q->route, hop, q->domain, q->envelope);
    }
}

void recipients_refused(struct recipients *r, const struct conf_route *route, struct slice mailbox)
{
    if (r != NULL && route->kind != CONF_ROUTE_MAILDIR) {
        recipient_note_drop(r->store, route, mailbox, rt_wall());
    }
}

/* Who can tell whether a hop accepts anybody. */
static enum value_source teller(const struct recipients *r, const struct conf_recipients *c)
{
    if (c != NULL && c->kind != CONF_RECIPIENTS_SERVER) {
        return SOURCE_LIST;
    }
    return r->assumed ? SOURCE_ASSUMED : c != NULL ? SOURCE_SERVER : SOURCE_NEXT_HOP;
}

int recipients_accept_all(struct recipients *r, const struct recipient_question *q, bool *ret,
                          enum value_source *ret_source)
{
    if (r == NULL) {
        return -EAGAIN;
    }
    const struct conf_recipients *c = conf_recipients_find(r->conf, q->domain);
    *ret_source = teller(r, c);
    if (*ret_source == SOURCE_LIST || *ret_source == SOURCE_ASSUMED ||
        (c == NULL && q->route->kind == CONF_ROUTE_MAILDIR)) {
        *ret = false;
        return 0;
    }
    return accept_all_ask(r->accept_all, c != NULL ? c->server : q->route, q->domain, q->envelope,
                          rt_now() + ACCEPT_ALL_TIME, ret);
}

size_t recipients_accepting_all(const struct recipients *r, struct accept_all_figure *ret,
                                size_t max)
{
    return r != NULL ? accept_all_list(r->accept_all, ret, max) : 0;
}
