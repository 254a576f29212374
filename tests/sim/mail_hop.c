#include "mail_hop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fatal.h"

#define PATIENCE (3600 * USEC_SEC)
#define LINE_MAX 5000

struct hop_session {
    struct list link;
    struct mail_hop *hop;
    struct stream *stream;
    bool lmtp;
    struct buf in;
    size_t searched;       /* of `in`: no end of the data begins before */
    struct buf recipients; /* of the open transaction, "RECIPIENT\n" each */
    bool open;             /* MAIL was accepted */
    bool chunks;           /* BDAT has begun */
    bool data;             /* the message came by DATA: its dots are stuffed */
    bool scripted;         /* a script broke this connection: no order is to be expected */
    bool reset;            /* close with a reset */
    struct buf message;
};

/* ---- octets ---- */

/* Octets read; 0 at the end, or an error. */
static ssize_t fill(struct hop_session *s)
{
    char *p = buf_reserve(&s->in, 4096);
    ssize_t n = stream_read(s->stream, p, 4096, rt_now() + PATIENCE);
    if (n > 0) {
        s->in.n += (size_t)n;
    }
    return n;
}

static int say(struct hop_session *s, const char *text)
{
    struct buf line = {0};
    buf_printf(&line, "%s\r\n", text);
    struct iovec iov = {line.p, line.n};
    int r = stream_write(s->stream, &iov, 1, rt_now() + PATIENCE, NULL);
    buf_free(&line);
    return r;
}

static void complain(struct hop_session *s, const char *what)
{
    if (s->hop->complaint[0] == '\0' && !s->scripted) {
        snprintf(s->hop->complaint, sizeof s->hop->complaint, "%s", what);
    }
}

static int get_line(struct hop_session *s, char ret[static LINE_MAX])
{
    char *lf;
    while (s->in.n == 0 || (lf = memchr(s->in.p, '\n', s->in.n)) == NULL) {
        ssize_t n = fill(s);
        if (n <= 0) {
            if (n == 0 && s->open) {
                complain(s, "closed in order with a transaction open");
            }
            return -1;
        }
    }
    size_t n = (size_t)(lf - s->in.p);
    snprintf(ret, LINE_MAX, "%.*s", (int)(n > 0 && s->in.p[n - 1] == '\r' ? n - 1 : n), s->in.p);
    buf_consume(&s->in, n + 1);
    return 0;
}

/* ---- answers ---- */

static struct hop_move next_move(struct hop_session *s, enum hop_point point, const char *line)
{
    struct hop_move move = {0};
    if (s->hop->script != NULL) {
        s->hop->script(s->hop->script_arg, point, line, &move);
    }
    return move;
}

/* Does what a script wants; 0 when the connection goes on. */
static int do_move(struct hop_session *s, const struct hop_move *move)
{
    if (move->kind == HOP_SAY || move->kind == HOP_MUTE) {
        return move->kind == HOP_SAY ? say(s, move->reply) : 0;
    }
    s->scripted = true;
    if (move->kind == HOP_SILENT) {
        while (fill(s) > 0) {
            s->in.n = 0;
        }
    }
    s->reset = move->kind == HOP_RESET;
    return -1;
}

/* Answers as the script wants or as usual; *ret_yes: was it a yes? */
static int answer(struct hop_session *s, enum hop_point point, const char *line, const char *usual,
                  bool *ret_yes)
{
    struct hop_move move = next_move(s, point, line);
    char *reply = NULL; /* the script may have changed when we have thought */
    int r = 0;
    if (move.kind == HOP_AS_USUAL) {
        move.kind = HOP_SAY;
        move.reply = usual;
    }
    if (move.kind == HOP_SAY) {
        move.reply = reply = xstrdup(move.reply);
    }
    *ret_yes = reply != NULL && (reply[0] == '2' || reply[0] == '3');
    if (move.delay > 0) {
        r = task_sleep(rt_now() + move.delay);
    }
    r = r < 0 ? -1 : do_move(s, &move);
    free(reply);
    return r;
}

static int plain_answer(struct hop_session *s, enum hop_point point, const char *line,
                        const char *usual)
{
    bool yes;
    return answer(s, point, line, usual, &yes);
}

/* ---- the message ---- */

/* The end of the data by this hop's lights: the length of the message and of the end, or false. */
static bool find_end(struct hop_session *s, size_t *ret_length, size_t *ret_taken)
{
    static const struct {
        unsigned leniency;
        const char *end;
    } ends[] = {
        {0, "\r\n.\r\n"},
        {HOP_LF_DOT_LF, "\n.\n"},
        {HOP_LF_DOT_CRLF, "\n.\r\n"},
        {HOP_CRLF_DOT_LF, "\r\n.\n"},
        {HOP_CR_DOT_CR, "\r.\r"},
    };
    size_t best = SIZE_MAX, length = 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i].leniency != 0 && (s->hop->leniency & ends[i].leniency) == 0) {
            continue;
        }
        size_t n = strlen(ends[i].end);
        const char *from = s->in.p + s->searched;
        const char *at = s->in.n > 0 ? memmem(from, s->in.n - s->searched, ends[i].end, n) : NULL;
        if (at != NULL && (size_t)(at - s->in.p) < best) {
            best = (size_t)(at - s->in.p);
            length = n;
        }
    }
    if (best == SIZE_MAX) {
        s->searched = s->in.n > 4 ? s->in.n - 4 : 0;
        return false;
    }
    s->searched = 0;
    *ret_length = best;
    *ret_taken = best + length;
    return true;
}

/* The message by itself: with the line end that the end of the data began with, and without the
 * dots that stuffed it. */
static void keep_last(struct hop_session *s)
{
    struct buf *last = &s->hop->last;
    last->n = 0;
    if (!s->data) {
        buf_append_slice(last, buf_slice(&s->message));
        return;
    }
    bool line_start = true;
    for (size_t i = 0; i < s->message.n; i++) {
        if (!line_start || s->message.p[i] != '.') {
            buf_append(last, s->message.p + i, 1);
        }
        line_start = s->message.p[i] == '\n';
    }
    buf_append(last, "\r\n", 2);
}

/* Has taken the message, for as many as `recipients` names. */
static void keep(struct hop_session *s, struct slice recipients)
{
    struct mail_hop *hop = s->hop;
    if (recipients.n > 0) {
        hop->messages++;
        buf_append_slice(&hop->content, buf_slice(&s->message));
        keep_last(s);
        buf_append_slice(&hop->copies, recipients);
    }
}

static void end_transaction(struct hop_session *s)
{
    s->open = s->chunks = false;
    s->recipients.n = 0;
    s->message.n = 0;
}

/* What it will say to the end of the data, or to it for one recipient; move.reply is the caller's
 * to free. */
static struct hop_move final_move(struct hop_session *s, const char *recipient)
{
    struct mail_hop *hop = s->hop;
    struct hop_move move = next_move(s, HOP_END, recipient);
    if (move.kind == HOP_AS_USUAL) {
        move.kind = HOP_SAY;
        move.reply = hop->data_reply != NULL ? hop->data_reply : "250 2.0.0 taken";
    }
    move.reply = xstrdup(move.kind == HOP_SAY ? move.reply : "");
    move.take |= move.reply[0] == '2';
    move.delay += hop->slow;
    hop->slow = 0;
    return move;
}

static int say_final(struct hop_session *s, const struct hop_move *move)
{
    int r = move->delay > 0 ? task_sleep(rt_now() + move->delay) : 0;
    return r < 0 ? -1 : do_move(s, move);
}

/* Takes responsibility, or not; then says so. */
static int end_of_data(struct hop_session *s)
{
    struct hop_move move = final_move(s, "");
    if (move.take) {
        keep(s, buf_slice(&s->recipients));
    }
    /* RFC 3030 2: after a refused chunk the client is to say RSET. */
    if (s->data || move.reply[0] == '2') {
        end_transaction(s);
    }
    int r = say_final(s, &move);
    free((char *)move.reply);
    return r;
}

/* RFC 2033 4.2: the same for each recipient by itself, in the order of the accepted RCPTs. */
static int end_of_lmtp_data(struct hop_session *s)
{
    struct hop_move moves[100];
    struct buf taken = {0};
    size_t count = 0, yes = 0;
    for (size_t at = 0; at < s->recipients.n && count < 100; count++) {
        char *line = s->recipients.p + at;
        size_t n = (size_t)((char *)memchr(line, '\n', s->recipients.n - at) - line);
        line[n] = '\0';
        moves[count] = final_move(s, line);
        line[n] = '\n';
        yes += moves[count].reply[0] == '2';
        if (moves[count].take) {
            buf_append(&taken, line, n + 1);
        }
        at += n + 1;
    }
    keep(s, buf_slice(&taken));
    buf_free(&taken);
    if (s->data || yes > 0) {
        end_transaction(s);
    }
    int r = 0;
    for (size_t i = 0; i < count; i++) {
        r = r < 0 ? r : say_final(s, &moves[i]);
        free((char *)moves[i].reply);
    }
    return r;
}

static int take_data(struct hop_session *s, const char *line)
{
    size_t length, taken;
    bool yes;
    int r = answer(s, HOP_DATA, line, s->recipients.n > 0 ? "354 go on" : "554 5.5.1 no recipients",
                   &yes);
    if (r < 0 || !yes) {
        return r;
    }
    struct hop_move move = next_move(s, HOP_BODY, "");
    while (!find_end(s, &length, &taken)) {
        if (move.kind != HOP_AS_USUAL && s->in.n >= move.after) {
            r = do_move(s, &move);
            move.kind = HOP_AS_USUAL;
            if (r < 0) {
                return r;
            }
        }
        if (fill(s) <= 0) {
            return -1;
        }
    }
    s->data = true;
    buf_append(&s->message, s->in.p, length);
    buf_consume(&s->in, taken);
    return s->lmtp ? end_of_lmtp_data(s) : end_of_data(s);
}

static int take_chunk(struct hop_session *s, const char *line)
{
    size_t n = strtoul(line + 5, NULL, 10);
    while (s->in.n < n) {
        if (fill(s) <= 0) {
            return -1;
        }
    }
    if (s->recipients.n == 0) {
        buf_consume(&s->in, n);
        return say(s, "503 5.5.1 no recipients");
    }
    s->chunks = true;
    s->data = false;
    buf_append(&s->message, s->in.p, n);
    buf_consume(&s->in, n);
    if (strstr(line, "LAST") == NULL) {
        return plain_answer(s, HOP_CHUNK, line, "250 chunk");
    }
    return s->lmtp ? end_of_lmtp_data(s) : end_of_data(s);
}

/* ---- commands ---- */

static int take_mail(struct hop_session *s, const char *line)
{
    bool yes;
    if (s->open) {
        complain(s, "MAIL within a transaction");
        return say(s, "503 5.5.1 nested MAIL");
    }
    int r = answer(s, HOP_MAIL, line, "250 2.1.0 sender ok", &yes);
    s->open = yes;
    return r;
}

static int take_rcpt(struct hop_session *s, const char *line)
{
    bool yes;
    const char *from = strchr(line, '<');
    const char *to = from != NULL ? strrchr(from, '>') : NULL;
    const char *usual = !s->open                          ? "503 5.5.1 MAIL first"
                        : strstr(line, "unknown") != NULL ? "550 5.1.1 nobody of that name"
                        : to == NULL                      ? "501 5.1.3 bad path"
                                                          : "250 2.1.5 recipient ok";
    int r = answer(s, HOP_RCPT, line, usual, &yes);
    if (yes && s->open && to != NULL) {
        buf_printf(&s->recipients, "%.*s\n", (int)(to - from - 1), from + 1);
    }
    return r;
}

static int take_ehlo(struct hop_session *s, const char *line)
{
    const char *usual =
        s->hop->offers != NULL ? s->hop->offers
        : s->hop->chunking
            ? "250-hop\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 CHUNKING"
            : "250-hop\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8";
    end_transaction(s);
    return plain_answer(s, HOP_EHLO, line, usual);
}

static int take_rset(struct hop_session *s, const char *line)
{
    end_transaction(s);
    return plain_answer(s, HOP_RSET, line, "250 reset");
}

static int take_quit(struct hop_session *s, const char *line)
{
    if (s->open) {
        complain(s, "QUIT with a transaction open");
    }
    plain_answer(s, HOP_QUIT, line, "221 bye");
    return -1;
}

static int take_noop(struct hop_session *s, const char *line)
{
    return plain_answer(s, HOP_NOOP, line, "250 still here");
}

static int take_helo(struct hop_session *s, const char *line)
{
    return plain_answer(s, HOP_HELO, line, "250 hop");
}

static int take_starttls(struct hop_session *s, const char *line)
{
    bool yes;
    struct stream *secure;
    int r = answer(s, HOP_STARTTLS, line,
                   s->hop->tls != NULL ? "220 go" : "454 4.7.0 no TLS just now", &yes);
    if (r < 0 || !yes) {
        return r;
    }
    struct hop_move move = next_move(s, HOP_HANDSHAKE, line);
    if (move.kind != HOP_AS_USUAL) {
        r = do_move(s, &move);
        s->scripted = true;
        return r < 0 ? r : fill(s) > 0 ? 0 : -1;
    }
    end_transaction(s);
    s->scripted = true; /* what comes of it is the client's to say */
    r = tls_accept(s->hop->tls, s->stream, rt_now() + PATIENCE, &secure);
    if (r < 0) {
        s->hop->handshakes_failed++;
        return -1;
    }
    s->scripted = false;
    s->stream = secure;
    s->hop->handshakes++;
    s->hop->resumed += tls_resumed(secure);
    return 0;
}

/* Both are Postfix's: one takes what it is told, the other begins the session anew. */
static int take_xforward(struct hop_session *s, const char *line)
{
    return plain_answer(s, HOP_XFORWARD, line, "250 2.0.0 ok");
}

static int take_xclient(struct hop_session *s, const char *line)
{
    if (s->open) {
        complain(s, "XCLIENT within a transaction");
    }
    return plain_answer(s, HOP_XCLIENT, line, "220 hop ESMTP");
}

static int take_other(struct hop_session *s, const char *line)
{
    complain(s, "an unknown command");
    return plain_answer(s, HOP_OTHER, line, "500 what?");
}

static int one_command(struct hop_session *s)
{
    static const struct {
        const char *verb;
        int (*take)(struct hop_session *s, const char *line);
    } verbs[] = {
        {"HELO", take_helo},       {"MAIL", take_mail},         {"RCPT", take_rcpt},
        {"DATA", take_data},       {"BDAT", take_chunk},        {"RSET", take_rset},
        {"QUIT", take_quit},       {"STARTTLS", take_starttls}, {"XFORWARD", take_xforward},
        {"XCLIENT", take_xclient}, {"NOOP", take_noop},
    };
    char line[LINE_MAX];
    if (get_line(s, line) < 0) {
        return -1;
    }
    s->hop->commands++;
    buf_printf(&s->hop->heard, "%s\n", line);
    const char *hello = s->lmtp ? "LHLO" : "EHLO"; /* RFC 2033 4.1: neither EHLO nor HELO */
    if (strncasecmp(line, hello, 4) == 0) {
        return take_ehlo(s, line);
    }
    for (size_t i = s->lmtp ? 1 : 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strncasecmp(line, verbs[i].verb, strlen(verbs[i].verb)) == 0) {
            return verbs[i].take(s, line);
        }
    }
    return take_other(s, line);
}

/* ---- connections ---- */

static void hop_task(void *arg)
{
    struct hop_session *s = arg;
    if (plain_answer(s, HOP_GREETING, "", "220 hop ESMTP") == 0) {
        while (one_command(s) == 0) {
        }
    }
    s->stream->ops->close(s->stream, s->reset);
    s->hop->connections--;
    list_remove(&s->link);
    buf_free(&s->in);
    buf_free(&s->recipients);
    buf_free(&s->message);
    free(s);
}

static void on_accept(void *arg, struct stream *stream, const struct addr *client,
                      const struct addr *local)
{
    (void)client;
    (void)local;
    const struct hop_door *door = arg;
    struct mail_hop *m = door->hop;
    struct hop_session *s = xcalloc(1, sizeof(*s));
    s->hop = m;
    s->stream = stream;
    s->lmtp = door->lmtp;
    list_push_back(&m->sessions, &s->link);
    m->connections++;
    m->accepted++;
    if (task_spawn(m->house->outside, rt_root_of(m->house->outside), hop_task, s) < 0) {
        fatal("no memory for a hop");
    }
}

static void open_door(struct hop_door *door, const char *address)
{
    struct addr at;
    if (door->listener != NULL) {
        return;
    }
    if (address[0] == '/') {
        door->listener = sim_listen_path(door->hop->house->outside, address, on_accept, door);
    } else {
        addr_parse_port(slice_of(address), &at);
        door->listener = sim_listen(door->hop->house->outside, &at, on_accept, door);
    }
}

void mail_hop_listen(struct mail_hop *m, bool on)
{
    static const char *const addresses[MAIL_HOPS][HOP_DOORS] = {
        {HOUSE_HOP, HOUSE_LMTP, HOUSE_LMTP_PATH},
        {HOUSE_HOP_2, HOUSE_LMTP_2, NULL},
        {HOUSE_HOP_3, HOUSE_LMTP_3, NULL},
    };
    for (size_t i = 0; i < HOP_DOORS; i++) {
        struct hop_door *door = &m->doors[i];
        const char *address = addresses[m->number][i];
        if (!on) {
            door->listener = sim_listener_free(door->listener);
        } else if (address != NULL) {
            door->hop = m;
            door->lmtp = i > 0;
            open_door(door, address);
        }
    }
}

void mail_hop_cut(struct mail_hop *m)
{
    list_for_each (it, &m->sessions) {
        sim_cut(list_entry(it, struct hop_session, link)->stream, false);
    }
}

struct mail_hop *mail_hop_new_number(struct house *h, unsigned number)
{
    struct mail_hop *m = xcalloc(1, sizeof(*m));
    m->house = h;
    m->number = number;
    list_init(&m->sessions);
    mail_hop_listen(m, true);
    return m;
}

struct mail_hop *mail_hop_new(struct house *h)
{
    return mail_hop_new_number(h, 0);
}

struct mail_hop *mail_hop_free(struct mail_hop *m)
{
    mail_hop_listen(m, false);
    buf_free(&m->copies);
    buf_free(&m->content);
    buf_free(&m->last);
    buf_free(&m->heard);
    tls_context_free(m->tls);
    free(m);
    return NULL;
}

unsigned mail_hop_copies(const struct mail_hop *m, const char *recipient)
{
    unsigned n = 0;
    size_t length = strlen(recipient);
    for (size_t at = 0; at < m->copies.n;) {
        const char *line = m->copies.p + at;
        size_t line_length = (size_t)((const char *)memchr(line, '\n', m->copies.n - at) - line);
        n += line_length == length && memcmp(line, recipient, length) == 0;
        at += line_length + 1;
    }
    return n;
}
