/* The life of a session.
 *
 * A connection comes in through smtp_server_accept and waits for its greeting in the lobby
 * (lobby.c), where the policy's connect rules are walked. Then it gets a coroutine, which runs
 * session_main and nothing else. It greets, then reads command lines and looks each verb up in
 * tbl/verbs.h: is it in order now, has it its argument? Then the verb's own file does it. Replies
 * are queued and sent when the client's pipelined commands are used up (RFC 2920).
 *
 *   EHLO, MAIL and RCPT are put before the policy (judge.c), and so is the message.
 *
 *   MAIL (cmd_mail.c) opens a transaction. RCPT (cmd_rcpt.c) finds the route and asks the next hop,
 *   so that an unknown recipient is refused before a single octet of the message. DATA and
 *   BDAT (cmd_data.c, cmd_bdat.c) take the message into the spool through receive.c, always to its
 *   end. message_phase.c judges what has come in and hands it to route/delivery.c, which answers
 *   with the next hop's own yes or no. One reply, one decision line (decide.c), and the session is
 *   where it was before MAIL.
 *
 * A session ends by QUIT, by a 421 (501 to a BDAT that cannot be read), or because the client went
 * away. Three things outside can end it: the process drains (an idle session is told at once,
 * another when its transaction is over or the time is up), the session's own time, and the peer's
 * hanging up while the next hop is asked. None of them reaches into a commit: that runs behind a
 * shield.
 *
 * After a 250 for a message its ledger entries stay armed until the client shows that it heard it:
 * by a command that it cannot have sent before, or, where it had pipelined its QUIT, by closing in
 * order after our reply was acknowledged (DESIGN "Commit and ledger"). */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "parse/smtp_command.h"
#include "smtp/count.h"
#include "smtp/crowd.h"
#include "smtp/learn.h"
#include "smtp/session.h"

/* For the last words to a client, and for its FIN after a pipelined QUIT. */
#define PARTING_TIME (10 * USEC_SEC)

/* For octets that are still on their way when we close. */
#define READ_OUT_TIME (1 * USEC_SEC)
#define READ_OUT_MOST ((size_t)1048576)

enum counting { TALK, STEP };

enum grouping { MORE, LAST };

enum argument_rule { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED };

struct verb {
    struct slice name;
    void (*handler)(struct session *s, struct slice argument);
    unsigned states;
    enum argument_rule argument;
    enum counting counts;
    enum grouping group;
};

static const struct verb verbs[] = {
#define VERB(name, handler, states, argument, counts, group, synopsis)                             \
    {{#name, sizeof(#name) - 1}, cmd_##handler, states, argument, counts, group},
#include "tbl/verbs.h"
#undef VERB
};

static const struct verb *find_verb(struct slice name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (slice_eq_nocase(verbs[i].name, name)) {
            return &verbs[i];
        }
    }
    return NULL;
}

enum reply_name session_missing_step(const struct session *s)
{
    switch (s->state) {
    case STATE_NEW: return REPLY_NEEDS_HELO;
    case STATE_READY: return REPLY_NEEDS_MAIL;
    case STATE_REFUSED: return REPLY_REFUSED;
    default: return s->txn.record_count > 0 ? REPLY_NO_RCPT : REPLY_NEEDS_RCPT;
    }
}

/* Why a verb is out of order. */
static enum reply_name order_error(const struct session *s, const struct verb *v)
{
    if (s->state == STATE_NEW || s->state == STATE_READY || s->state == STATE_REFUSED) {
        return session_missing_step(s);
    }
    if (s->state == STATE_CHUNK) {
        return REPLY_IN_CHUNKS;
    }
    return v->states == STATE_READY ? REPLY_NESTED_MAIL : REPLY_ORDER;
}

bool session_count_talk(struct session *s)
{
    s->commands++;
    if (s->commands > s->server->conf->limits.commands) {
        session_goodbye(s, REPLY_COMMANDS);
    }
    return !s->ended;
}

void session_look_ahead(struct session *s)
{
    if (s->must_be_last && !s->evidence.unpipelined) {
        s->evidence.unpipelined = s->input.start < s->input.end || stream_pending(s->stream) > 0;
    }
}

void session_enter(struct session *s, enum session_phase phase)
{
    s->server->in_phase[s->phase]--;
    s->server->in_phase[phase]++;
    s->phase = phase;
}

static void dispatch(struct session *s, struct slice line)
{
    struct slice name, argument;
    smtp_command_split(line, &name, &argument);
    const struct verb *v = find_verb(name);
    /* After HELO nobody has offered PIPELINING. */
    s->must_be_last = v == NULL || v->group == LAST || (!s->esmtp && s->state != STATE_NEW);
    session_look_ahead(s);
    if ((v == NULL || v->counts == TALK) && !session_count_talk(s)) {
        return;
    }
    if (v == NULL && input_names_bdat(name.n > 0 ? name : line)) {
        session_goodbye(s, REPLY_BAD_BDAT); /* "BDAT<TAB>5", " BDAT 5" */
    } else if (v == NULL) {
        reply_error(s, REPLY_UNKNOWN_VERB);
    } else if ((v->states & s->state) == 0) {
        reply_error(s, order_error(s, v));
    } else if (v->argument == ARGUMENT_REQUIRED && argument.n == 0) {
        reply_error(s, REPLY_NEEDS_ARGUMENT);
    } else if (v->argument == ARGUMENT_NONE && argument.n > 0) {
        reply_error(s, REPLY_NO_ARGUMENT);
    } else {
        v->handler(s, argument);
    }
}

/* ---- the ledger and the client's sign of life ---- */

void session_await_confirmation(struct session *s, const struct ledger_ref *refs, size_t count)
{
    /* What has arrived by now was sent before the client can have seen this reply. */
    s->confirming_offset = s->input.total + stream_pending(s->stream);
    s->unconfirmed = xrealloc(s->unconfirmed, (s->unconfirmed_count + count) * sizeof(*refs));
    memcpy(s->unconfirmed + s->unconfirmed_count, refs, count * sizeof(*refs));
    s->unconfirmed_count += count;
    int r = reply_flush(s);
    if (r < 0) {
        session_end_by(s, r);
    }
}

static void confirm(struct session *s)
{
    delivery_confirmed(s->server->deliveries, s->unconfirmed, s->unconfirmed_count);
    s->unconfirmed_count = 0;
}

/* A client that had pipelined its QUIT is gone when it has read our replies: its FIN, after our
 * octets were acknowledged, is all it will ever say. */
static void confirm_by_fin(struct session *s)
{
    char octet;
    usec_t deadline = rt_now() + PARTING_TIME;
    stream_end_writing(s->stream); /* RFC 5321 4.1.1.10: it waits for us to close */
    if (!s->stream->hung_up && stream_read(s->stream, &octet, 1, deadline) == 0 &&
        stream_acknowledged(s->stream)) {
        confirm(s);
    }
}

/* ---- endings ---- */

void session_goodbye_with(struct session *s, const struct answer *a)
{
    struct scope shield;
    if (s->ended || s->mute) {
        s->ended = true;
        return;
    }
    s->ended = true;
    s->last_refusal = *a;
    reply_with(s, a);
    scope_enter_shield(&shield);
    reply_flush(s);
    scope_leave(&shield);
}

void session_goodbye(struct session *s, enum reply_name name)
{
    struct answer a = reply_answer(name);
    if (!s->ended && !s->mute) {
        count_goodbye(s->server->counts, name);
    }
    session_goodbye_with(s, &a);
}

void session_vanish(struct session *s, const struct rule *rule)
{
    s->ended = true;
    s->mute = true;
    s->dropped_by = rule;
}

void client_watch_begin(struct session *s, struct client_watch *w)
{
    scope_enter(&w->scope);
    stream_watch(s->stream, s->input.start == s->input.end ? &w->scope : NULL);
}

int client_watch_end(struct session *s, struct client_watch *w, int result)
{
    stream_watch(s->stream, NULL);
    if (result == -ECANCELED && w->scope.cancelled != 0) {
        result = w->scope.cancelled;
    }
    scope_leave(&w->scope);
    return result;
}

static bool session_time_over(const struct session *s)
{
    return rt_now() >= s->began + s->server->conf->limits.session_time;
}

void session_end_by(struct session *s, int error)
{
    if (s->ended) {
        return;
    }
    if (error == -ETIMEDOUT) {
        session_goodbye(s, session_time_over(s) ? REPLY_SESSION_TIME : REPLY_IDLE);
    } else if (error == -ECANCELED && scope_reason() == -ESHUTDOWN) {
        session_goodbye(s, REPLY_DRAINING);
    } else {
        s->ended = true;
    }
}

static usec_t command_deadline(const struct session *s)
{
    const struct conf_limits *l = &s->server->conf->limits;
    usec_t idle = rt_now() + l->idle_time;
    usec_t whole = s->began + l->session_time;
    return idle < whole ? idle : whole;
}

/* Waits for a line in a scope that others may cancel. */
static int await_line(struct session *s, bool idle, struct slice *ret)
{
    struct scope scope;
    scope_enter(&scope);
    s->idle = idle ? &scope : NULL;
    s->awaiting = &scope;
    s->awaiting_since = rt_now();
    int r = input_line(s, command_deadline(s), ret);
    s->kept_waiting += rt_now() - s->awaiting_since;
    s->awaiting = NULL;
    s->idle = NULL;
    if (r == -ECANCELED && scope.cancelled != 0) {
        r = scope.cancelled;
    }
    scope_leave(&scope);
    return r;
}

/* Reads a line. Outside a transaction the wait ends when the process drains. */
static int next_line(struct session *s, struct slice *ret)
{
    if (s->state == STATE_MAIL || s->state == STATE_RCPT || s->state == STATE_CHUNK) {
        return await_line(s, false, ret);
    }
    return s->server->draining ? -ESHUTDOWN : await_line(s, true, ret);
}

static void one_command(struct session *s)
{
    struct slice line;
    uint64_t offset = s->input.total - (s->input.end - s->input.start);
    int r = next_line(s, &line);
    if (r < 0) {
        if (r == -ESHUTDOWN) {
            session_goodbye(s, REPLY_DRAINING);
        } else if (r == -EBUSY) {
            session_goodbye(s, REPLY_MAKE_ROOM);
        } else {
            session_end_by(s, r);
        }
        return;
    }
    if (s->unconfirmed_count > 0 && offset >= s->confirming_offset &&
        stream_acknowledged(s->stream)) {
        confirm(s);
    }
    if (r == LINE_COMMAND) {
        dispatch(s, line);
    } else if (r == LINE_BDAT) {
        session_goodbye(s, REPLY_BAD_BDAT);
    } else if (session_count_talk(s)) {
        reply_error(s, r == LINE_BAD ? REPLY_BAD_LINE : REPLY_LONG_LINE);
    }
}

/* RFC 5321 3.1: 220, or 554 and then nothing but QUIT. */
static void greet(struct session *s)
{
    struct answer a = {.code = 220};
    enum judged j = judge_connect(s, &a);
    if (j == JUDGED_ENDED) {
        return;
    }
    if (s->server->draining) {
        session_goodbye(s, REPLY_DRAINING);
        return;
    }
    if (j == JUDGED_ANSWER) {
        s->refused_now = a;
        s->state = STATE_REFUSED;
    } else {
        a.text = arena_printf(&s->arena, "%s ESMTP", s->server->conf->hostname);
        s->server->counts->greeted++;
    }
    s->greeted_at = rt_now();
    reply_with(s, &a);
}

/* A kernel that is asked to close with octets unread sends a reset, and the client may lose our
 * last words: so they are read and dropped, for a moment. */
static void read_out(struct session *s)
{
    static char scrap[4096]; /* never looked at */
    struct scope shield;
    usec_t deadline = rt_now() + READ_OUT_TIME;
    size_t left = READ_OUT_MOST;
    ssize_t n = 1;
    if (stream_pending(s->stream) == 0) {
        return;
    }
    scope_enter_shield(&shield);
    stream_end_writing(s->stream);
    while (n > 0 && left > 0) {
        n = stream_read(s->stream, scrap, sizeof scrap, deadline);
        left -= n > 0 && (size_t)n < left ? (size_t)n : left;
    }
    scope_leave(&shield);
}

static void converse(struct session *s)
{
    greet(s);
    while (!s->quit && !s->ended) {
        one_command(s);
    }
    if (!s->ended) {
        int r = reply_flush(s);
        if (r == 0 && s->quit_seen && s->unconfirmed_count > 0) {
            confirm_by_fin(s);
        }
    } else if (!s->mute) {
        reply_flush(s); /* to a client that has ended its sending side, and still reads */
        read_out(s);
    }
}

static void session_free(struct session *s)
{
    struct smtp_server *srv = s->server;
    if (s->counted && srv->gate.leave != NULL) {
        srv->gate.leave(srv->gate.arg, &s->client, true);
    }
    crowd_place_free(srv);
    stream_close(s->stream);
    input_drop(s);
    delivery_free(s->delivery);
    digest_stream_free(s->digest);
    buf_free(&s->out);
    arena_free(&s->helo_arena);
    arena_free(&s->arena);
    list_remove(&s->link);
    srv->session_count--;
    srv->in_phase[s->phase]--;
    free(s->unconfirmed);
    free(s);
}

static void session_main(void *arg)
{
    struct session *s = arg;
    struct scope scope;
    scope_enter(&scope);
    s->scope = &scope;
    converse(s);
    transaction_end(s);
    if (s->decided == 0 && !s->unrecorded) {
        const struct answer *a = s->last_refusal.code != 0  ? &s->last_refusal
                                 : s->refused_now.code != 0 ? &s->refused_now
                                                            : NULL;
        learn_refused_connection(s->server, &s->client, a != NULL ? a->rule : s->dropped_by,
                                 a != NULL ? a->code : 0);
        decide_connection(s, a,
                          s->quit || s->last_refusal.code != 0 ? ""
                          : s->dropped_by != NULL              ? "dropped"
                                                               : "client went away");
    }
    s->scope = NULL;
    scope_leave(&scope);
    session_free(s);
}

int session_begin(const struct guest *g, bool judged)
{
    struct smtp_server *srv = g->server;
    struct session *s = xcalloc(1, sizeof(*s));
    s->server = srv;
    if (task_spawn(srv->rt, rt_root_of(srv->rt), session_main, s) < 0) {
        free(s);
        return -ENOMEM;
    }
    s->stream = g->stream;
    s->client = g->client;
    s->local = g->local;
    s->began = g->began;
    s->early_at = g->early_at;
    s->state = STATE_NEW;
    s->unpipelined_from = PHASE_COUNT;
    s->counted = g->counted;
    s->unrecorded = g->checked;
    arena_init(&s->arena);
    arena_init(&s->helo_arena);
    decision_id_next(&srv->ids, rt_wall_of(srv->rt), s->id);
    judge_arrival(s, g, judged);
    list_push_back(&srv->sessions, &s->link);
    srv->session_count++;
    srv->in_phase[SESSION_GREETED]++;
    return 0;
}
