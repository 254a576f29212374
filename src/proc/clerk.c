/* See proc/clerk.h. One coroutine for each control client, one that hears the master's answers.
 *
 * A client says one line of JSON and is answered with one; it may go on with another. What it does
 * not say in time, or says wrongly, costs itself a reply and nobody else anything: there is a bound
 * on a request's length, on its time, and on how many clients there are, beyond which the one that
 * has waited longest without a request makes room. */
#include "proc/clerk.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "base/text.h"
#include "parse/control_request.h"
#include "proc/clerk_journal.h"
#include "proc/clerk_link.h"
#include "proc/status_json.h"
#include "rt/real.h"

#define CLIENTS_MOST 64
/* For a request to come whole, and for its reply to be taken. */
#define CLIENT_TIME (10 * USEC_SEC)
/* For the signal that comes with the link's end. */
#define SIGNAL_TIME USEC_SEC
/* For those who have come before its end began. */
#define LAST_REQUESTS (USEC_SEC / 4)
/* For the master's answer: it reads a configuration and starts workers. */
#define MASTER_TIME (60 * USEC_SEC)

struct clerk {
    const struct clerk_setup *setup;
    uid_t owner; /* besides root, who may give orders */
    struct rt *rt;
    struct real_listener *listener;
    struct stream *link;
    struct scope *link_scope;
    struct clerk_journal *journal;
    struct list clients; /* the longest here in front */
    unsigned client_count;
    struct list orders; /* without an answer */
    uint32_t last_id;
    struct rt_timer heart;
    usec_t beaten_at;
    struct rt_timer end_timer;
    struct rt_timer link_timer;
    usec_t ends_at;     /* 0: it goes on; else until then requests are waited for */
    volatile bool stop; /* real_run may return */
};

struct client {
    struct list in_list;
    struct clerk *clerk;
    struct stream *stream;
    struct scope *scope;
    uid_t user;
    bool asking;    /* waits for its request to come whole */
    bool has_asked; /* has had an answer */
    size_t n;       /* octets in `line` */
    char line[CONTROL_REQUEST_MOST];
};

/* Something that only the master can do. */
struct order {
    struct list in_list;
    uint32_t id;
    struct cond changed;
    bool answered;
    int status;
    struct buf text;
};

/* Signal handlers can reach nothing but statics. */
static volatile sig_atomic_t terminated;
static struct rt *woken_by_signals;

static void on_sigterm(int number)
{
    (void)number;
    int saved = errno;
    terminated = 1;
    real_wake(woken_by_signals);
    errno = saved;
}

/* ---- replies ---- */

/* What is shown to people, line by line; JSON holds no octets that are not UTF-8. */
static json_t *clean_text(struct slice text)
{
    char *copy = xmalloc(text.n + 1);
    size_t begin = 0;

    for (size_t i = 0; i < text.n; i++) {
        copy[i] = text.p[i];
        if (copy[i] == '\n') {
            text_clean(copy + begin, i - begin);
            begin = i + 1;
        }
    }
    text_clean(copy + begin, text.n - begin);
    json_t *json = json_stringn(copy, text.n);
    free(copy);
    return json;
}

static json_t *refusal(const char *error)
{
    return json_pack("{s:b, s:o}", "ok", 0, "error", clean_text(slice_of(error)));
}

/* Sends a reply, which is taken over. */
static int send_reply(struct client *c, json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);
    if (text == NULL) {
        fatal("out of memory for a reply");
    }
    struct iovec iov[] = {{text, strlen(text)}, {(void *)(uintptr_t) "\n", 1}};
    int r = stream_write(c->stream, iov, 2, rt_now() + CLIENT_TIME, NULL);
    free(text);
    json_decref(reply);
    return r;
}

/* ---- what can be asked ---- */

static json_t *answer_status(struct client *c)
{
    json_t *status = status_json(c->clerk->setup->shared.board, rt_now(), rt_wall());

    (void)json_object_set_new(status, "journal", clerk_journal_status(c->clerk->journal));
    (void)json_object_set_new(status, "ok", json_true());
    return status;
}

/* Asks the master and waits for its answer. */
static int ask_master(struct clerk *k, enum clerk_order what, struct order *o)
{
    struct clerk_head head = {.order = what, .id = ++k->last_id};
    usec_t deadline = rt_now() + MASTER_TIME;
    int r = 0;

    if (stream_try_write(k->link, &head, sizeof(head)) != (ssize_t)sizeof(head)) {
        return -EBUSY;
    }
    o->id = head.id;
    cond_init(&o->changed);
    list_push_back(&k->orders, &o->in_list);
    while (!o->answered && r == 0) {
        r = k->link_scope == NULL ? -EPIPE : cond_wait(&o->changed, deadline);
    }
    list_remove(&o->in_list);
    return o->answered ? 0 : r;
}

static json_t *give_order(struct client *c, enum clerk_order what)
{
    struct order o = {0};

    if (c->user != 0 && c->user != c->clerk->owner) {
        return refusal("only root, or the user that Gatepost was started by, may ask for this");
    }
    int r = ask_master(c->clerk, what, &o);
    json_t *reply =
        r < 0 ? refusal(r == -ETIMEDOUT ? "not done within a minute; it goes on, and the log will "
                                          "tell how it ends"
                                        : "the master went away, or is busy")
              : json_pack("{s:b, s:i, s:o}", "ok", o.status == 0, "status", o.status, "text",
                          clean_text(buf_slice(&o.text)));
    buf_free(&o.text);
    return reply;
}

static json_t *answer_reload(struct client *c)
{
    return give_order(c, CLERK_RELOAD);
}

static json_t *answer_upgrade(struct client *c)
{
    return give_order(c, CLERK_UPGRADE);
}

static json_t *answer(struct client *c, struct slice line)
{
    static json_t *(*const answers[CONTROL_VERBS])(struct client *) = {
        [CONTROL_STATUS] = answer_status,
        [CONTROL_RELOAD] = answer_reload,
        [CONTROL_UPGRADE] = answer_upgrade,
    };
    struct control_request request;
    char why[128];

    if (control_request_parse(line, &request, why, sizeof(why)) < 0) {
        return refusal(why);
    }
    return answers[request.verb](c);
}

/* ---- a client ---- */

/* Reads until there is a whole line: its length without the line feed; -EMSGSIZE; -ENODATA at the
 * end of input, or an error. */
static ssize_t read_line(struct client *c)
{
    usec_t deadline = rt_now() + CLIENT_TIME;
    size_t looked_at = 0;

    for (;;) {
        const char *end = memchr(c->line + looked_at, '\n', c->n - looked_at);
        if (end != NULL) {
            return end - c->line;
        }
        looked_at = c->n;
        if (c->n == sizeof(c->line)) {
            return -EMSGSIZE;
        }
        ssize_t n = stream_read(c->stream, c->line + c->n, sizeof(c->line) - c->n, deadline);
        if (n <= 0) {
            return n == 0 ? (c->n > 0 ? -EPIPE : -ENODATA) : n;
        }
        c->n += (size_t)n;
    }
}

static const char *complaint(ssize_t error)
{
    switch (error) {
    case -EMSGSIZE: return "the request has more than 4096 octets";
    case -ETIMEDOUT: return "no request came within ten seconds";
    case -EUSERS: return "too many control clients at once";
    case -EPIPE: return "the request does not end in a line feed";
    default: return NULL; /* gone, and not to be told anything */
    }
}

/* One request and its reply: 0, or a negative errno when that was the last. */
static int one_request(struct client *c)
{
    c->asking = true;
    ssize_t n = read_line(c);
    c->asking = false;
    if (n == -ECANCELED) {
        n = c->scope->cancelled; /* -EUSERS, or the end */
    }
    if (n < 0) {
        const char *why = complaint(n);
        struct scope shield;
        scope_enter_shield(&shield);
        if (why != NULL) {
            (void)send_reply(c, refusal(why));
        }
        scope_leave(&shield);
        return (int)n;
    }
    int r = send_reply(c, answer(c, (struct slice){c->line, (size_t)n}));
    c->has_asked = true;
    c->n -= (size_t)n + 1;
    memmove(c->line, c->line + n + 1, c->n);
    return r;
}

static void client_main(void *arg)
{
    struct client *c = arg;
    struct scope scope;

    scope_enter(&scope);
    c->scope = &scope;
    while (one_request(c) == 0 && !terminated) {
    }
    c->scope = NULL;
    scope_leave(&scope);
    stream_close(c->stream);
    list_remove(&c->in_list);
    c->clerk->client_count--;
    free(c);
}

/* Who has waited longest for its own request makes room. */
static void make_room(struct clerk *k)
{
    list_for_each (it, &k->clients) {
        struct client *c = list_entry(it, struct client, in_list);
        if (c->asking && c->scope != NULL && c->scope->cancelled == 0) {
            scope_cancel(c->scope, -EUSERS);
            return;
        }
    }
}

static void on_client(void *arg, struct stream *s, const struct addr *client,
                      const struct addr *local)
{
    struct clerk *k = arg;
    struct client *c = xcalloc(1, sizeof(*c));
    (void)client;
    (void)local;

    c->clerk = k;
    c->stream = s;
    if (k->client_count >= 2 * CLIENTS_MOST || real_peer_user(s, &c->user) < 0 ||
        task_spawn(k->rt, rt_root_of(k->rt), client_main, c) < 0) {
        stream_close(s);
        free(c);
        return;
    }
    if (k->client_count >= CLIENTS_MOST) {
        make_room(k);
    }
    list_push_back(&k->clients, &c->in_list);
    k->client_count++;
}

/* ---- the master ---- */

static int read_all(struct stream *s, void *ret, size_t n)
{
    char *p = ret;

    while (n > 0) {
        ssize_t r = stream_read(s, p, n, USEC_NEVER);
        if (r <= 0) {
            return r == 0 ? -ENODATA : (int)r;
        }
        p += r;
        n -= (size_t)r;
    }
    return 0;
}

static void take_answer(struct clerk *k, const struct clerk_head *head, struct buf *text)
{
    list_for_each (it, &k->orders) {
        struct order *o = list_entry(it, struct order, in_list);
        if (o->id == head->id && !o->answered) {
            o->answered = true;
            o->status = head->status;
            o->text = *text;
            *text = (struct buf){0};
            cond_wake_all(&o->changed);
            return;
        }
    }
}

static int hear_answer(struct clerk *k)
{
    struct clerk_head head;
    struct buf text = {0};
    int r = read_all(k->link, &head, sizeof(head));

    if (r == 0 && head.length > CLERK_TEXT_MOST) {
        r = -EPROTO;
    }
    if (r == 0) {
        r = read_all(k->link, buf_reserve(&text, head.length + 1), head.length);
    }
    if (r == 0) {
        text.n = head.length;
        take_answer(k, &head, &text);
    }
    buf_free(&text);
    return r;
}

static void on_master_gone(void *arg)
{
    (void)arg;
    terminated = 1;
}

/* The link's end is the master's, and so ours; or another program is in its place now. Whichever it
 * is, SIGTERM comes with it, and then our parent tells which. */
static void link_main(void *arg)
{
    struct clerk *k = arg;
    struct scope scope;
    struct clerk_head ready = {.order = CLERK_READY};

    scope_enter(&scope);
    k->link_scope = &scope;
    (void)stream_try_write(k->link, &ready, sizeof(ready));
    while (hear_answer(k) == 0) {
    }
    k->link_scope = NULL;
    scope_leave(&scope);
    rt_timer_set(k->rt, &k->link_timer, rt_now_of(k->rt) + SIGNAL_TIME);
}

/* Shows the master that the loop turns. One that does not take it hangs itself. */
static void beat(struct clerk *k)
{
    struct clerk_head moves = {.order = CLERK_MOVES};

    k->beaten_at = clock_monotonic();
    (void)stream_try_write(k->link, &moves, sizeof(moves));
}

/* The same where no loop turns. */
static void beat_if_due(void *arg)
{
    struct clerk *k = arg;

    if (clock_monotonic() - k->beaten_at >= k->setup->hang_time / 4) {
        beat(k);
    }
}

static void on_heart(void *arg)
{
    struct clerk *k = arg;

    beat(k);
    rt_timer_set(k->rt, &k->heart, rt_now_of(k->rt) + k->setup->hang_time / 4);
}

/* ---- a whole life ---- */

/* Who has come but not asked yet is heard for a moment: it may be that he was just about to. */
static bool may_still_ask(const struct clerk *k, const struct client *c)
{
    return !c->has_asked && rt_now_of(k->rt) < k->ends_at;
}

static void end_clients(struct clerk *k)
{
    list_for_each (it, &k->clients) {
        struct client *c = list_entry(it, struct client, in_list);
        if (c->asking && c->scope != NULL && !may_still_ask(k, c)) {
            scope_cancel(c->scope, -ESHUTDOWN);
        }
    }
    if (k->link_scope == NULL) { /* there will be no answers */
        list_for_each (it, &k->orders) {
            cond_wake_all(&list_entry(it, struct order, in_list)->changed);
        }
    }
}

/* And once it is to end: orders that it has passed on are answered before. */
static void on_turn(void *arg)
{
    struct clerk *k = arg;

    clerk_journal_turn(k->journal);
    if (!terminated || k->stop) {
        return;
    }
    if (k->ends_at == 0) {
        k->listener = real_listener_free(k->listener);
        k->ends_at = rt_now_of(k->rt) + LAST_REQUESTS;
        rt_timer_set(k->rt, &k->end_timer, k->ends_at);
    }
    end_clients(k);
    if (k->client_count == 0) {
        k->stop = true;
        if (k->link_scope != NULL) {
            scope_cancel(k->link_scope, -ESHUTDOWN);
        }
    }
}

static void nothing(void *arg)
{
    (void)arg; /* the turn itself is what is wanted */
}

/* As in a worker: from now on signals are heard, the master's death among them. */
static void begin_signals(const struct clerk *k)
{
    struct sigaction on_term = {.sa_handler = on_sigterm, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;

    woken_by_signals = k->rt;
    (void)sigaction(SIGTERM, &on_term, NULL);
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a limit on files is trouble with the journal */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != k->setup->master) {
        (void)raise(SIGTERM);
    }
}

static int begin(struct clerk *k)
{
    int r = k->setup->control < 0
                ? 0
                : real_listen(k->rt, k->setup->control, on_client, k, &k->listener);

    if (r < 0) {
        log_line(LOG_ERROR, "cannot watch the control socket: %s", strerror(-r));
        return r;
    }
    k->link = real_socket_of(k->rt, k->setup->link);
    if (k->link == NULL || task_spawn(k->rt, rt_root_of(k->rt), link_main, k) < 0) {
        log_line(LOG_ERROR, "cannot listen to the master");
        return -ENOMEM;
    }
    return 0;
}

int clerk_run(const struct clerk_setup *setup)
{
    struct clerk k = {.setup = setup, .owner = geteuid()};

    log_set_role("clerk");
    list_init(&k.clients);
    list_init(&k.orders);
    shared_keep_board((struct shared *)(uintptr_t)&setup->shared);
    int r = identity_become(setup->who);
    if (r < 0) {
        log_line(LOG_ERROR, "cannot become user %s: %s", setup->who->name, strerror(-r));
        return EXIT_FAILURE;
    }
    k.rt = real_new();
    r = begin(&k);
    r = r < 0 ? r : clerk_confine(setup);
    if (r == 0) {
        k.journal = clerk_journal_begin(k.rt, setup);
        begin_signals(&k);
        k.heart = (struct rt_timer){.fn = on_heart, .arg = &k};
        k.end_timer = (struct rt_timer){.fn = nothing};
        k.link_timer = (struct rt_timer){.fn = on_master_gone};
        on_heart(&k);
        real_on_turn(k.rt, on_turn, &k);
        real_run(k.rt, &k.stop);
        (void)signal(SIGTERM, SIG_IGN); /* its end has begun */
        rt_timer_clear(k.rt, &k.heart);
        rt_timer_clear(k.rt, &k.end_timer);
        rt_timer_clear(k.rt, &k.link_timer);
        k.journal = clerk_journal_end(k.journal, beat_if_due, &k);
    }
    k.listener = real_listener_free(k.listener);
    stream_close(k.link);
    (void)real_free(k.rt);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
