#include "mail_scanner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fatal.h"

#define PATIENCE  (3600 * USEC_SEC)
#define READ_SIZE ((size_t)8192)
#define FLOOD     ((size_t)100 << 20)

struct visit {
    struct mail_scanner *scanner;
    struct stream *stream;
    struct buf in;
};

/* What a visit has brought so far. */
enum asked { ASKED_PART, ASKED_NONSENSE, ASKED_PING, ASKED_SCAN };

static void complain(struct mail_scanner *m, const char *what)
{
    if (m->complaint[0] == '\0') {
        snprintf(m->complaint, sizeof m->complaint, "%s", what);
    }
}

/* ---- what clamd is asked ---- */

static bool begins(const struct buf *b, const char *text)
{
    const size_t n = strlen(text);
    return b->n >= n && memcmp(b->p, text, n) == 0;
}

/* The chunks behind the command, each with its length in network order in front. */
static enum asked chunks(const struct visit *v, size_t at)
{
    struct mail_scanner *m = v->scanner;
    m->message.n = 0;
    while (at + 4 <= v->in.n) {
        const unsigned char *o = (const unsigned char *)v->in.p + at;
        const size_t n = (size_t)o[0] << 24 | (size_t)o[1] << 16 | (size_t)o[2] << 8 | o[3];
        if (n == 0) {
            return at + 4 == v->in.n ? ASKED_SCAN : ASKED_NONSENSE;
        }
        if (n > v->in.n - at - 4) {
            break;
        }
        buf_append(&m->message, v->in.p + at + 4, n);
        at += 4 + n;
    }
    return ASKED_PART;
}

/* The message behind a descriptor, which comes with an octet of its own. */
static enum asked descriptor(const struct visit *v, size_t at)
{
    struct mail_scanner *m = v->scanner;
    char piece[READ_SIZE];
    ssize_t n;
    if (v->in.n <= at) {
        return ASKED_PART;
    }
    const int fd = sim_take_fd(v->stream);
    if (fd < 0 || v->in.n > at + 1) {
        return ASKED_NONSENSE;
    }
    m->message.n = 0;
    while ((n = pread(fd, piece, sizeof piece, (off_t)m->message.n)) > 0) {
        buf_append(&m->message, piece, (size_t)n);
    }
    close(fd);
    m->given++;
    return ASKED_SCAN;
}

static enum asked ask_clamd(const struct visit *v)
{
    const char *end = memchr(v->in.p, '\0', v->in.n);
    const size_t behind = end != NULL ? (size_t)(end + 1 - v->in.p) : 0;
    v->scanner->request.n = 0;
    buf_append(&v->scanner->request, v->in.p, behind);
    return end == NULL                   ? ASKED_PART
           : begins(&v->in, "zPING")     ? ASKED_PING
           : begins(&v->in, "zINSTREAM") ? chunks(v, behind)
           : begins(&v->in, "zFILDES")   ? descriptor(v, behind)
                                         : ASKED_NONSENSE;
}

/* ---- what the two others are ---- */

/* The number behind the field's name, which stands at the beginning of a line; -1 without one. */
static long field_of(const char *header, const char *name)
{
    const char *line = header;
    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) == 0) {
            return strtol(line + strlen(name), NULL, 10);
        }
    }
    return -1;
}

/* A header, an empty line, and as many octets as the header says. */
static enum asked ask_by_header(struct visit *v, const char *ping, const char *scan)
{
    struct mail_scanner *m = v->scanner;
    const char *end = memmem(v->in.p, v->in.n, "\r\n\r\n", 4);
    if (end == NULL) {
        return ASKED_PART;
    }
    m->request.n = 0;
    buf_append(&m->request, v->in.p, (size_t)(end - v->in.p));
    buf_append(&m->request, "\0", 1);
    if (begins(&v->in, ping)) {
        return ASKED_PING;
    }
    const long length = field_of(m->request.p, "Content-length: ");
    if (!begins(&v->in, scan) || length < 0) {
        return ASKED_NONSENSE;
    }
    const size_t from = (size_t)(end + 4 - v->in.p);
    if (v->in.n - from != (size_t)length) {
        return v->in.n - from < (size_t)length ? ASKED_PART : ASKED_NONSENSE;
    }
    m->message.n = 0;
    buf_append(&m->message, v->in.p + from, (size_t)length);
    return ASKED_SCAN;
}

static enum asked look(struct visit *v)
{
    switch (v->scanner->kind) {
    case CONF_CLAMD: return ask_clamd(v);
    case CONF_RSPAMD:
        return ask_by_header(v, "GET /ping HTTP/1.1\r\n", "POST /checkv2 HTTP/1.1\r\n");
    default: return ask_by_header(v, "PING SPAMC/", "SYMBOLS SPAMC/");
    }
}

/* ---- what they say ---- */

static void say(struct visit *v, struct slice text)
{
    struct iovec iov = {(void *)(uintptr_t)text.p, text.n};
    (void)stream_write(v->stream, &iov, 1, rt_now() + PATIENCE, NULL);
}

static void put_pong(enum conf_scanner_kind kind, struct buf *b)
{
    if (kind == CONF_CLAMD) {
        buf_append(b, "PONG", 5); /* with its NUL */
    } else {
        buf_printf(b, kind == CONF_RSPAMD ? "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npong\r\n"
                                          : "SPAMD/1.5 0 PONG\r\n");
    }
}

static void put_symbols(struct buf *b, const char *names)
{
    const char *before = "";
    while (*names != '\0') {
        const int n = (int)strcspn(names, ",");
        buf_printf(b, "%s\"%.*s\":{\"name\":\"%.*s\",\"score\":1.0}", before, n, names, n, names);
        names += n + (names[n] == ',');
        before = ",";
    }
}

static void put_rspamd(struct buf *b, const struct scanner_move *move)
{
    struct buf json = {0};
    buf_printf(&json,
               "{\"is_skipped\":false,\"score\":%s,\"required_score\":15.0,\"action\":\"%s\",",
               move->score, move->action);
    buf_printf(&json, "\"symbols\":{");
    put_symbols(&json, move->names);
    buf_printf(&json, "},\"messages\":{}}");
    buf_printf(b,
               "HTTP/1.1 200 OK\r\nServer: rspamd/3.4\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               json.n);
    buf_append_slice(b, buf_slice(&json));
    buf_free(&json);
}

static void put_spamd(struct buf *b, const struct scanner_move *move)
{
    const bool spam = strtod(move->score, NULL) >= 5;
    buf_printf(b, "SPAMD/1.1 0 EX_OK\r\nContent-length: %zu\r\nSpam: %s ; %s / 5.0\r\n\r\n%s\r\n",
               strlen(move->names) + 2, spam ? "True" : "False", move->score, move->names);
}

/* A reply in the scanner's own words. */
static void put_reply(const struct mail_scanner *m, const struct scanner_move *move, struct buf *b)
{
    if (m->kind == CONF_CLAMD) {
        buf_printf(b, "%s: ", begins(&m->request, "zFILDES") ? "fd[10]" : "stream");
        if (move->kind == SCANNER_FINDS) {
            buf_append_slice(b, move->text);
            buf_printf(b, " FOUND");
        } else {
            buf_printf(b, "OK");
        }
        buf_append(b, "\0", 1);
    } else if (m->kind == CONF_RSPAMD) {
        put_rspamd(b, move);
    } else {
        put_spamd(b, move);
    }
}

/* Nobody reads all of it. */
static void flood(struct visit *v)
{
    static char nonsense[65536];
    int r = 0;
    memset(nonsense, 'x', sizeof nonsense);
    for (size_t n = 0; n < FLOOD && r == 0; n += sizeof nonsense) {
        struct iovec iov = {nonsense, sizeof nonsense};
        r = stream_write(v->stream, &iov, 1, rt_now() + PATIENCE, NULL);
    }
    if (r == 0) {
        complain(v->scanner, "100 MB of nonsense were read to the end");
    }
}

static void do_move(struct visit *v, const struct scanner_move *move)
{
    struct buf reply = {0};
    char octet;
    put_reply(v->scanner, move, &reply);
    switch (move->kind) {
    case SCANNER_CLEAN:
    case SCANNER_FINDS:
    case SCANNER_SCORES: say(v, buf_slice(&reply)); break;
    case SCANNER_SAYS: say(v, move->text); break;
    case SCANNER_BREAKS: say(v, (struct slice){reply.p, reply.n / 2}); break;
    case SCANNER_FLOODS: flood(v); break;
    case SCANNER_HANGS: (void)stream_read(v->stream, &octet, 1, rt_now() + PATIENCE); break;
    case SCANNER_CLOSES: break;
    }
    buf_free(&reply);
}

/* ---- visits ---- */

static void answer(struct visit *v, enum asked asked)
{
    struct mail_scanner *m = v->scanner;
    struct scanner_move move = {0};
    struct buf pong = {0};
    if (asked == ASKED_PING) {
        m->pinged++;
        put_pong(m->kind, &pong);
        say(v, buf_slice(&pong));
        buf_free(&pong);
        return;
    }
    m->asked++;
    if (m->script != NULL) {
        m->script(m->script_arg, buf_slice(&m->message), &move);
    }
    move.score = move.score != NULL ? move.score : "0.0";
    move.names = move.names != NULL ? move.names : "";
    move.action = move.action != NULL ? move.action : "no action";
    if (task_sleep(rt_now() + move.delay) != -ECANCELED) {
        do_move(v, &move);
    }
}

static void visit_task(void *arg)
{
    struct visit *v = arg;
    enum asked asked = ASKED_PART;
    ssize_t n = 1;
    while (n > 0 && asked == ASKED_PART) {
        n = stream_read(v->stream, buf_reserve(&v->in, READ_SIZE), READ_SIZE, rt_now() + PATIENCE);
        v->in.n += n > 0 ? (size_t)n : 0;
        asked = n > 0 ? look(v) : ASKED_PART;
    }
    if (asked == ASKED_NONSENSE) {
        complain(v->scanner, "it was asked what it does not understand");
    } else if (asked != ASKED_PART) {
        answer(v, asked);
    }
    v->scanner->open--;
    stream_close(v->stream);
    buf_free(&v->in);
    free(v);
}

static void on_accept(void *arg, struct stream *stream, const struct addr *client,
                      const struct addr *local)
{
    (void)client;
    (void)local;
    struct mail_scanner *m = arg;
    struct visit *v = xcalloc(1, sizeof *v);
    *v = (struct visit){.scanner = m, .stream = stream};
    m->open++;
    if (task_spawn(m->house->outside, rt_root_of(m->house->outside), visit_task, v) < 0) {
        fatal("no memory for a scanner");
    }
}

void mail_scanner_listen(struct mail_scanner *m, bool on)
{
    const struct conf_scanner *c = &m->house->conf->scanners[m->kind];
    struct rt *rt = m->house->outside;
    if (!on) {
        m->listener = sim_listener_free(m->listener);
    } else if (c->configured && m->listener == NULL) {
        m->listener = c->path != NULL ? sim_listen_path(rt, c->path, on_accept, m)
                                      : sim_listen(rt, &c->addr, on_accept, m);
    }
}

struct mail_scanner *mail_scanner_new(struct house *h, enum conf_scanner_kind kind)
{
    struct mail_scanner *m = xcalloc(1, sizeof *m);
    *m = (struct mail_scanner){.house = h, .kind = kind};
    mail_scanner_listen(m, true);
    return m;
}

struct mail_scanner *mail_scanner_free(struct mail_scanner *m)
{
    mail_scanner_listen(m, false);
    buf_free(&m->request);
    buf_free(&m->message);
    free(m);
    return NULL;
}
