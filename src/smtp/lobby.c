/* See lobby.h. All of this runs on the loop, outside any task: nothing here waits. */
#include "smtp/lobby.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "parse/proxy_header.h"
#include "smtp/bans.h"
#include "smtp/count.h"
#include "smtp/crowd.h"
#include "smtp/foresight.h"
#include "smtp/learn.h"
#include "smtp/session.h"

/* A proxy has its header ready when it connects. */
#define PROXY_TIME (5 * USEC_SEC)

/* Greetings are given together, a little late: the loop wakes up once for all of a tick. */
#define TICK (10 * USEC_MSEC)

/* For what a client that is told to go still sends. */
#define LEAVE_TIME (1 * USEC_SEC)
#define LEAVE_MOST ((size_t)1048576)

static void on_arrival(void *arg);
static void on_timer(void *arg);

/* ---- a guest's end ---- */

/* Frees it; the stream has another owner by now, or is NULL. */
static void guest_free(struct guest *g)
{
    struct smtp_server *srv = g->server;
    if (g->counted && srv->gate.leave != NULL) {
        srv->gate.leave(srv->gate.arg, &g->client, g->greeted);
    }
    rt_timer_clear(srv->rt, &g->timer);
    list_remove(&g->link);
    srv->queued -= g->state == GUEST_QUEUED;
    srv->guest_count--;
    arena_free(&g->arena);
    free(g);
}

static void close_guest(struct guest *g)
{
    stream_close(g->stream);
    guest_free(g);
}

static usec_t to_tick(usec_t when)
{
    return (when + TICK - 1) / TICK * TICK;
}

void guest_wait(struct guest *g, enum guest_state state, usec_t until)
{
    struct smtp_server *srv = g->server;
    srv->queued -= g->state == GUEST_QUEUED;
    g->state = (uint8_t)state;
    srv->queued += state == GUEST_QUEUED;
    if (state == GUEST_WAITING || state == GUEST_QUEUED) {
        until = to_tick(until);
        crowd_enlist(g);
    } else {
        list_remove(&g->link);
        list_push_back(&srv->lobby, &g->link);
    }
    stream_on_arrival(g->stream, on_arrival, g);
    rt_timer_set(srv->rt, &g->timer, until);
}

/* Reads and drops what is there; true when there is no point in waiting for more. */
static bool drop_arrived(struct guest *g)
{
    static char scrap[4096]; /* never looked at */
    size_t dropped = 0;
    ssize_t n = 1;
    while (n > 0 && dropped < LEAVE_MOST) {
        n = stream_try_read(g->stream, scrap, sizeof scrap);
        dropped += n > 0 ? (size_t)n : 0;
    }
    return n != -EAGAIN;
}

/* A kernel that is asked to close with octets unread sends a reset, and our last words may be lost
 * with it: so they are read and dropped, for a moment. */
static void leave(struct guest *g)
{
    if (stream_pending(g->stream) == 0) {
        close_guest(g);
        return;
    }
    stream_end_writing(g->stream);
    if (drop_arrived(g)) {
        close_guest(g);
    } else {
        guest_wait(g, GUEST_LEAVING, rt_now_of(g->server->rt) + LEAVE_TIME);
    }
}

/* Says the answer, which ends the connection, and records it. */
static void last_words(struct guest *g, const struct answer *a)
{
    char id[DECISION_ID_LEN + 1];
    struct buf out = {0};
    decision_id_next(&g->server->ids, rt_wall_of(g->server->rt), id);
    reply_format(&out, a, id, 0, 0);
    (void)stream_try_write(g->stream, out.p, out.n); /* nothing was sent before: there is room */
    buf_free(&out);
    decide_guest(g, id, a, "");
}

static void farewell(struct guest *g, const struct answer *a)
{
    last_words(g, a);
    leave(g);
}

void guest_farewell(struct guest *g, enum reply_name name)
{
    struct answer a = reply_answer(name);
    count_goodbye(g->server->counts, name);
    farewell(g, &a);
}

void guest_turn_away(struct guest *g, enum reply_name name)
{
    struct answer a = reply_answer(name);
    count_goodbye(g->server->counts, name);
    last_words(g, &a);
    close_guest(g);
}

/* Ends it without a word, with a record that says why. */
static void vanish(struct guest *g, const char *note)
{
    char id[DECISION_ID_LEN + 1];
    decision_id_next(&g->server->ids, rt_wall_of(g->server->rt), id);
    decide_guest(g, id, NULL, note);
    close_guest(g);
}

/* ---- from the lobby into a session ---- */

void guest_begin(struct guest *g, bool judged)
{
    stream_on_arrival(g->stream, NULL, NULL);
    if (session_begin(g, judged) == 0) {
        g->counted = false; /* the session is, now */
        guest_free(g);
    } else {
        guest_farewell(g, REPLY_NO_MEMORY);
    }
}

/* Is there room for it in the lobby, if need be in another one's place? Else it has been told to
 * go.
 */
static bool may_stay(struct guest *g)
{
    const struct smtp_gate *gate = &g->server->gate;
    bool room = gate->may_wait == NULL || gate->may_wait(gate->arg) || crowd_make_way(g);
    if (!room) {
        guest_farewell(g, REPLY_SERVER_FULL);
    }
    return room;
}

static void greet(struct guest *g, bool judged)
{
    struct smtp_server *srv = g->server;
    if (srv->draining) {
        guest_farewell(g, REPLY_DRAINING);
        return;
    }
    if (g->counted && srv->gate.greet != NULL) {
        g->greeted = srv->gate.greet(srv->gate.arg, &g->client, ruling_is(&g->ruling, RULE_TRUST),
                                     g->rank) == SMTP_ADMITTED;
        if (!g->greeted) {
            if (may_stay(g)) {
                crowd_queue(g, judged);
            }
            return;
        }
    }
    guest_begin(g, judged);
}

/* ---- the policy's connect rules ---- */

void guest_evidence(const struct guest *g, struct evidence *ret)
{
    struct smtp_server *srv = g->server;
    fact_memo_clear(srv->guest_memo);
    *ret = (struct evidence){
        .conf = srv->conf,
        .ops = &guest_evidence_ops,
        .owner = srv,
        .counters = &srv->counters,
        .memos = {[SCOPE_CONNECTION] = srv->guest_memo},
        .client = g->client,
        .local = g->local,
        .listener = srv->listener_names[g->listener],
        .wall = rt_wall_of(srv->rt),
        .early = g->early,
        .memory = srv->memory,
    };
}

void guest_recall(const struct guest *g)
{
    struct evidence e;
    guest_evidence(g, &e);
    recall_asked(&g->memo, g->server->policy, &e);
}

static void note_asked(struct guest *g)
{
    const struct fact_memo *m = g->server->guest_memo;
    for (size_t i = 0; i < m->count && i < GUEST_ASKED_MOST; i++) {
        const struct value *v = &m->values[i];
        const uint64_t bit = (uint64_t)1 << i;
        if (v->state != VALUE_UNASKED) {
            const bool known = v->state == VALUE_KNOWN;
            const bool held = known && v->type == TYPE_BOOL && v->boolean;
            g->memo.asked |= bit;
            g->memo.held = (g->memo.held & ~bit) | (held ? bit : 0);
            g->memo.open = (g->memo.open & ~bit) | (known ? 0 : bit);
        }
    }
}

static void drop(struct guest *g, const struct fired *verdict)
{
    const struct rule *rule = verdict->rule;
    learn_refused_connection(g->server, &g->client, rule, rule->silent ? 0 : rule->code);
    if (verdict->rule->silent) {
        vanish(g, "dropped");
    } else {
        struct answer a = answer_of(verdict);
        farewell(g, &a);
    }
}

/* Notes whether the client has spoken; false when it is gone. What an early talker sends afterwards
 * is of no interest, only that it is still there. */
static bool look(struct guest *g)
{
    char octet;
    ssize_t n = g->early ? 1 : stream_try_peek(g->stream, &octet, 1);
    if (n > 0 && !g->early) {
        bool waits = g->run.wait_until > g->began;
        g->early = true;
        g->early_at = waits ? rt_now_of(g->server->rt) : g->began;
        g->server->counts->early_talkers++;
    }
    return (n > 0 || n == -EAGAIN) && !g->stream->reset;
}

/* Of the bans that fired behind `before`, those that are certain: where a rule that has not been
 * walked may trust the client, its session sees to them. */
static void enforce_bans(struct guest *g, const struct evidence *e, enum policy_step step,
                         struct fired *before)
{
    if (g->ruling.last == before) {
        return;
    }
    if (step == STEP_DONE) {
        bans_enforce(g->server, &g->client, &g->ruling, NULL, ruling_is(&g->ruling, RULE_TRUST));
    } else if (connect_trust(g->server->policy, e) == TRUST_NOT) {
        bans_enforce(g->server, &g->client, &g->ruling, before, false);
    }
}

/* Walks the connect rules as far as they go now. */
static void judge(struct guest *g)
{
    struct smtp_server *srv = g->server;
    struct evidence e;
    struct fired *before = g->ruling.last;
    if (!look(g)) {
        vanish(g, "client went away");
        return;
    }
    guest_evidence(g, &e);
    e.arena = &g->arena;
    e.doubts = &g->ruling.doubts;
    enum policy_step step = policy_step(&g->run, &e, &g->ruling, rt_now_of(srv->rt));
    note_asked(g);
    enforce_bans(g, &e, step, before);
    if (step == STEP_WAIT) {
        if (may_stay(g)) {
            usec_t first = g->foreseen ? g->run.wait_until : foresight_at(g, g->run.wait_until);
            g->foreseen = g->foreseen || first == g->run.wait_until;
            guest_wait(g, GUEST_WAITING, first);
        }
    } else if (step == STEP_DONE && ruling_is(&g->ruling, RULE_DROP)) {
        drop(g, g->ruling.verdict);
    } else {
        greet(g, step == STEP_DONE);
    }
}

/* A wait is over, or nearly. */
static void wait_ends(struct guest *g)
{
    if (g->foreseen || rt_now_of(g->server->rt) >= g->run.wait_until) {
        judge(g);
        return;
    }
    g->foreseen = true;
    if (!look(g)) {
        vanish(g, "client went away");
        return;
    }
    if (!g->early) {
        foresight_begin(g);
    }
    rt_timer_set(g->server->rt, &g->timer, to_tick(g->run.wait_until));
}

/* Would the connect rules trust this client, as far as they can be walked here? */
static bool would_trust(const struct guest *g)
{
    struct evidence e;
    guest_evidence(g, &e);
    return connect_trust(g->server->policy, &e) == TRUST_CERTAIN;
}

static enum smtp_admission admit(struct guest *g)
{
    const struct smtp_gate *gate = &g->server->gate;
    unsigned network = 0;
    enum smtp_admission a;
    if (gate->enter == NULL) {
        return SMTP_ADMITTED;
    }
    a = gate->enter(gate->arg, &g->client, false, &network);
    if (a != SMTP_ADMITTED && a != SMTP_FULL && would_trust(g)) {
        a = gate->enter(gate->arg, &g->client, true, &network);
    }
    g->counted = a == SMTP_ADMITTED;
    g->rank = crowd_rank(network);
    return a;
}

static enum reply_name refusal_of(enum smtp_admission a)
{
    switch (a) {
    case SMTP_CLIENT_FULL: return REPLY_CLIENT_FULL;
    case SMTP_NETWORK_FULL: return REPLY_NETWORK_FULL;
    case SMTP_CLIENT_RATE: return REPLY_CLIENT_RATE;
    case SMTP_NETWORK_RATE: return REPLY_NETWORK_RATE;
    case SMTP_FULL:
    case SMTP_ADMITTED: break;
    }
    return REPLY_SERVER_FULL;
}

/* A client whose address is known. */
static void enter(struct guest *g)
{
    struct smtp_server *srv = g->server;
    if (srv->draining) {
        guest_farewell(g, REPLY_DRAINING);
        return;
    }
    enum smtp_admission a = admit(g);
    if (a != SMTP_ADMITTED) {
        guest_farewell(g, refusal_of(a));
        return;
    }
    learn_connection(srv, &g->client);
    policy_begin(&g->run, srv->policy, PHASE_CONNECT, g->began);
    judge(g);
}

/* ---- PROXY headers ---- */

static void read_proxy_header(struct guest *g)
{
    static char octets[PROXY_HEADER_MOST];
    struct proxy_header h;
    ssize_t n = stream_try_peek(g->stream, octets, sizeof octets);
    if (n == -EAGAIN) {
        return;
    }
    int length = n <= 0 ? -ECONNRESET : proxy_header_parse((struct slice){octets, (size_t)n}, &h);
    if (length == -EAGAIN) {
        return;
    }
    if (length < 0) {
        vanish(g, n <= 0 ? "proxy went away" : "no PROXY header");
        return;
    }
    (void)stream_try_read(g->stream, octets, (size_t)length);
    stream_on_arrival(g->stream, NULL, NULL);
    rt_timer_clear(g->server->rt, &g->timer);
    if (h.kind == PROXY_RELAYED) {
        g->client = h.client;
        g->local = h.local;
    }
    if (h.kind == PROXY_LOCAL) {
        g->checked = true;
        greet(g, true);
    } else {
        enter(g);
    }
}

/* ---- events ---- */

static void on_arrival(void *arg)
{
    struct guest *g = arg;
    if (g->state == GUEST_PROXY) {
        read_proxy_header(g);
    } else if (g->state == GUEST_LEAVING) {
        if (drop_arrived(g)) {
            close_guest(g);
        }
    } else {
        bool early = g->early;
        if (!look(g)) {
            vanish(g, "client went away");
        } else if (g->early && !early) {
            crowd_enlist(g); /* its standing is worse now */
        }
    }
}

static void on_timer(void *arg)
{
    struct guest *g = arg;
    switch ((enum guest_state)g->state) {
    case GUEST_PROXY: vanish(g, "no PROXY header"); break;
    case GUEST_WAITING: wait_ends(g); break;
    case GUEST_QUEUED: guest_farewell(g, REPLY_SERVER_FULL); break;
    case GUEST_LEAVING: close_guest(g); break;
    }
}

/* ---- the doors ---- */

/* Which of conf->listen a connection came in by: one for this address, or for all of its family. */
static uint16_t find_listener(const struct conf *conf, const struct addr *local)
{
    struct addr all = {.family = local->family};
    size_t found = 0;
    for (size_t i = conf->listen_count; i-- > 0;) {
        const struct addr *l = &conf->listen[i];
        if (l->port != local->port) {
            continue;
        }
        if (addr_same_host(l, local)) {
            return (uint16_t)i;
        }
        if (addr_same_host(l, &all)) {
            found = i;
        }
    }
    return (uint16_t)found;
}

static struct guest *guest_new(struct smtp_server *srv, struct stream *stream,
                               const struct addr *client, const struct addr *local)
{
    struct guest *g = xcalloc(1, sizeof(*g));
    g->server = srv;
    g->stream = stream;
    g->client = *client;
    g->local = *local;
    g->listener = find_listener(srv->conf, local);
    g->began = rt_now_of(srv->rt);
    g->timer = (struct rt_timer){.fn = on_timer, .arg = g};
    g->arena = (struct arena){.next = g->first, .end = g->first + sizeof g->first};
    ruling_init(&g->ruling, NULL);
    list_push_back(&srv->lobby, &g->link);
    srv->guest_count++;
    srv->counts->connections++;
    return g;
}

void smtp_server_accept(void *arg, struct stream *stream, const struct addr *client,
                        const struct addr *local)
{
    struct smtp_server *srv = arg;
    struct guest *g = guest_new(srv, stream, client, local);
    if (conf_is_proxy(srv->conf, client)) {
        guest_wait(g, GUEST_PROXY, g->began + PROXY_TIME);
        read_proxy_header(g);
    } else {
        enter(g);
    }
}

void smtp_server_turn_away(void *arg, struct stream *stream, const struct addr *client,
                           const struct addr *local)
{
    guest_turn_away(guest_new(arg, stream, client, local), REPLY_NO_DESCRIPTOR);
}

/* Calls fn for each guest, which may free it. */
static void each_guest(struct smtp_server *srv, void (*fn)(struct guest *g))
{
    struct list *lists[2 * CROWD_RANKS + 1];
    size_t n = 0;
    lists[n++] = &srv->lobby;
    for (unsigned r = 0; r < CROWD_RANKS; r++) {
        lists[n++] = &srv->waiting[r];
        lists[n++] = &srv->queue[r];
    }
    for (size_t i = 0; i < n; i++) {
        list_for_each_safe (it, next, lists[i]) {
            fn(list_entry(it, struct guest, link));
        }
    }
}

static void drain_guest(struct guest *g)
{
    switch ((enum guest_state)g->state) {
    case GUEST_PROXY: close_guest(g); break;
    case GUEST_WAITING:
    case GUEST_QUEUED: guest_farewell(g, REPLY_DRAINING); break;
    case GUEST_LEAVING: break;
    }
}

void lobby_drain(struct smtp_server *srv)
{
    each_guest(srv, drain_guest);
}

void lobby_fini(struct smtp_server *srv)
{
    each_guest(srv, close_guest);
    crowd_fini(srv);
}
