#include "mail_hop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fatal.h"

#define RECIPIENTS_MAX 16
#define PATIENCE       (3600 * USEC_SEC)

struct hop_session {
    struct mail_hop *hop;
    struct stream *stream;
    struct buf in;
    char recipients[RECIPIENTS_MAX][64];
    unsigned recipient_count;
    bool mail;
    struct buf message;
};

static int fill(struct hop_session *s)
{
    char *p = buf_reserve(&s->in, 4096);
    ssize_t n = stream_read(s->stream, p, 4096, rt_now() + PATIENCE);
    if (n <= 0) {
        return -1;
    }
    s->in.n += (size_t)n;
    return 0;
}

static int say(struct hop_session *s, const char *text)
{
    char line[600];
    int n = snprintf(line, sizeof line, "%s\r\n", text);
    struct iovec iov = {line, (size_t)n};
    return stream_write(s->stream, &iov, 1, rt_now() + PATIENCE, NULL);
}

static int get_line(struct hop_session *s, char ret[static 600])
{
    char *lf;
    while (s->in.n == 0 || (lf = memchr(s->in.p, '\n', s->in.n)) == NULL) {
        if (fill(s) < 0) {
            return -1;
        }
    }
    size_t n = (size_t)(lf - s->in.p);
    snprintf(ret, 600, "%.*s", (int)(n > 0 && s->in.p[n - 1] == '\r' ? n - 1 : n), s->in.p);
    buf_consume(&s->in, n + 1);
    return 0;
}

/* The end of the data by this hop's lights: the length of the message and of the end, or false. */
static bool find_end(const struct hop_session *s, size_t *ret_length, size_t *ret_taken)
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
        const char *at = s->in.n > 0 ? memmem(s->in.p, s->in.n, ends[i].end, n) : NULL;
        if (at != NULL && (size_t)(at - s->in.p) < best) {
            best = (size_t)(at - s->in.p);
            length = n;
        }
    }
    if (best == SIZE_MAX) {
        return false;
    }
    *ret_length = best;
    *ret_taken = best + length;
    return true;
}

static void keep(struct hop_session *s)
{
    struct mail_hop *hop = s->hop;
    hop->messages++;
    buf_append_slice(&hop->content, buf_slice(&s->message));
    for (unsigned i = 0; i < s->recipient_count; i++) {
        buf_printf(&hop->copies, "%s\n", s->recipients[i]);
    }
}

/* Takes responsibility, or not; then says so. */
static int end_of_data(struct hop_session *s)
{
    struct mail_hop *hop = s->hop;
    const char *answer = hop->data_reply != NULL ? hop->data_reply : "250 2.0.0 taken";
    usec_t slow = hop->slow;
    hop->slow = 0;
    if (answer[0] == '2') {
        keep(s);
    }
    s->message.n = 0;
    s->mail = false;
    s->recipient_count = 0;
    if (slow > 0 && task_sleep(rt_now() + slow) < 0) {
        return -1;
    }
    return say(s, answer);
}

static int take_data(struct hop_session *s)
{
    size_t length, taken;
    if (say(s, "354 go on") < 0) {
        return -1;
    }
    while (!find_end(s, &length, &taken)) {
        if (fill(s) < 0) {
            return -1;
        }
    }
    buf_append(&s->message, s->in.p, length);
    buf_consume(&s->in, taken);
    return end_of_data(s);
}

static int take_chunk(struct hop_session *s, const char *argument)
{
    size_t n = strtoul(argument, NULL, 10);
    while (s->in.n < n) {
        if (fill(s) < 0) {
            return -1;
        }
    }
    buf_append(&s->message, s->in.p, n);
    buf_consume(&s->in, n);
    return strstr(argument, "LAST") != NULL ? end_of_data(s) : say(s, "250 chunk");
}

static void add_recipient(struct hop_session *s, const char *line)
{
    const char *from = strchr(line, '<');
    const char *to = from != NULL ? strchr(from, '>') : NULL;
    if (to != NULL && s->recipient_count < RECIPIENTS_MAX) {
        snprintf(s->recipients[s->recipient_count++], 64, "%.*s", (int)(to - from - 1), from + 1);
    }
}

static int one_command(struct hop_session *s)
{
    char line[600];
    if (get_line(s, line) < 0) {
        return -1;
    }
    s->hop->commands++;
    if (strncasecmp(line, "EHLO", 4) == 0) {
        return say(s,
                   s->hop->chunking
                       ? "250-hop\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 CHUNKING"
                       : "250-hop\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8");
    }
    if (strncasecmp(line, "MAIL", 4) == 0) {
        s->mail = true;
        return say(s, "250 2.1.0 sender ok");
    }
    if (strncasecmp(line, "RCPT", 4) == 0) {
        if (strstr(line, "unknown") != NULL) {
            return say(s, "550 5.1.1 nobody of that name");
        }
        add_recipient(s, line);
        return say(s, "250 2.1.5 recipient ok");
    }
    if (strncasecmp(line, "DATA", 4) == 0) {
        return s->recipient_count > 0 ? take_data(s) : say(s, "554 5.5.1 no recipients");
    }
    if (strncasecmp(line, "BDAT ", 5) == 0) {
        return take_chunk(s, line + 5);
    }
    if (strncasecmp(line, "QUIT", 4) == 0) {
        say(s, "221 bye");
        return -1;
    }
    if (strncasecmp(line, "RSET", 4) == 0) {
        s->recipient_count = 0;
        s->message.n = 0;
        return say(s, "250 reset");
    }
    return say(s, "500 what?");
}

static void hop_task(void *arg)
{
    struct hop_session *s = arg;
    if (say(s, "220 hop ESMTP") == 0) {
        while (one_command(s) == 0) {
        }
    }
    stream_close(s->stream);
    buf_free(&s->in);
    buf_free(&s->message);
    free(s);
}

static void on_accept(void *arg, struct stream *stream, const struct addr *client,
                      const struct addr *local)
{
    (void)client;
    (void)local;
    struct mail_hop *m = arg;
    struct hop_session *s = xcalloc(1, sizeof(*s));
    s->hop = m;
    s->stream = stream;
    if (task_spawn(m->house->outside, rt_root_of(m->house->outside), hop_task, s) < 0) {
        fatal("no memory for a hop");
    }
}

struct mail_hop *mail_hop_new(struct house *h)
{
    struct mail_hop *m = xcalloc(1, sizeof(*m));
    struct addr at;
    m->house = h;
    addr_parse_port(slice_of(HOUSE_HOP), &at);
    m->listener = sim_listen(h->outside, &at, on_accept, m);
    return m;
}

struct mail_hop *mail_hop_free(struct mail_hop *m)
{
    sim_listener_free(m->listener);
    buf_free(&m->copies);
    buf_free(&m->content);
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
