/* See judge/client.h. */
#include "judge/client.h"

#include <errno.h>

#include "parse/ascii.h"
#include "parse/smtp_address.h"
#include "route/reply_reader.h"

/* For one reply, in pretended time: more than any `wait` and any limit of the server. */
#define PATIENCE (24 * 3600 * USEC_SEC)

/* Octets of the message that are written at a time. */
#define PIECE ((size_t)32768)

/* How it goes on after a reply. */
enum step { STEP_ON, STEP_QUIT, STEP_GONE };

struct dialogue {
    struct judge_client *client;
    const struct judge_case *c;
    struct stream *stream;
    struct reply_reader reader;
    struct buf out;
};

/* ---- what may be said ---- */

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

bool judge_word_fits(struct slice helo)
{
    return helo.n > 0 && !has_control(helo);
}

bool judge_address_fits(struct slice mailbox, bool reverse_path)
{
    struct buf path = {0};
    struct smtp_path parsed;
    struct slice rest = {0};
    buf_printf(&path, "<" SLICE_FMT ">", SLICE_ARG(mailbox));
    /* Errors leave `rest` alone: the session will find them too. */
    (void)smtp_path_parse(buf_slice(&path), reverse_path ? SMTP_REVERSE_PATH : SMTP_FORWARD_PATH,
                          true, &parsed, &rest);
    bool fits = rest.n == 0 && !has_control(mailbox);
    buf_free(&path);
    return fits;
}

/* ---- commands and replies ---- */

static int send_out(struct dialogue *d)
{
    struct iovec iov = {d->out.p, d->out.n};
    int r = d->out.n > 0 ? stream_write(d->stream, &iov, 1, rt_now() + PATIENCE, NULL) : 0;
    d->out.n = 0;
    return r;
}

static void note_reply(struct dialogue *d, const struct reply *r)
{
    struct buf *to = &d->client->reply;
    to->n = 0;
    buf_printf(to, "%u%s" SLICE_FMT "%s" SLICE_FMT, r->code, r->enhanced.n > 0 ? " " : "",
               SLICE_ARG(r->enhanced), r->text.n > 0 ? " " : "", SLICE_ARG(r->text));
}

/* Reads a reply: STEP_ON where it begins with that digit. */
static enum step await(struct dialogue *d, unsigned class)
{
    struct reply r;
    if (reply_read(&d->reader, d->stream, rt_now() + PATIENCE, &r) < 0) {
        return STEP_GONE;
    }
    if (r.code / 100 == class) {
        return STEP_ON;
    }
    note_reply(d, &r);
    return r.code == 421 ? STEP_GONE : STEP_QUIT;
}

/* Says what is in `out`, and reads the reply. */
static enum step ask(struct dialogue *d, unsigned class)
{
    return send_out(d) < 0 ? STEP_GONE : await(d, class);
}

static void put_hello(struct dialogue *d)
{
    buf_printf(&d->out, "%s " SLICE_FMT "\r\n", d->c->no_esmtp ? "HELO" : "EHLO",
               SLICE_ARG(d->c->helo));
}

static enum step hello(struct dialogue *d)
{
    put_hello(d);
    return ask(d, 2);
}

static enum step start_tls(struct dialogue *d)
{
    static const struct tls_peer anybody;
    struct stream *secure = NULL;
    char why[100];
    buf_printf(&d->out, "STARTTLS\r\n");
    enum step s = ask(d, 2);
    if (s == STEP_ON && tls_connect(d->client->tls, d->stream, &anybody, rt_now() + PATIENCE,
                                    &secure, why, sizeof(why)) == 0) {
        d->stream = secure;
        s = hello(d);
    } else if (s == STEP_ON) {
        s = STEP_GONE;
    }
    return s;
}

/* ---- the envelope ---- */

static bool needs_utf8(const struct judge_case *c)
{
    bool needs = ascii_has_8bit(c->sender);
    for (size_t i = 0; i < c->recipient_count; i++) {
        needs |= ascii_has_8bit(c->recipients[i]);
    }
    return needs;
}

static enum step mail(struct dialogue *d)
{
    const struct judge_case *c = d->c;
    buf_printf(&d->out, "MAIL FROM:<" SLICE_FMT ">", SLICE_ARG(c->sender));
    if (!c->no_esmtp) {
        buf_printf(&d->out, " SIZE=%llu%s%s", (unsigned long long)c->mail.wire_size,
                   c->mail.has_8bit ? " BODY=8BITMIME" : "", needs_utf8(c) ? " SMTPUTF8" : "");
    }
    buf_printf(&d->out, "\r\n");
    return ask(d, 2);
}

/* STEP_ON: some recipient is taken. */
static enum step recipients(struct dialogue *d)
{
    bool taken = false;
    for (size_t i = 0; i < d->c->recipient_count; i++) {
        buf_printf(&d->out, "RCPT TO:<" SLICE_FMT ">\r\n", SLICE_ARG(d->c->recipients[i]));
        enum step s = ask(d, 2);
        if (s == STEP_GONE) {
            return s;
        }
        taken |= s == STEP_ON;
    }
    return taken ? STEP_ON : STEP_QUIT;
}

/* ---- the message ---- */

static int send_text(struct dialogue *d, bool dots)
{
    struct mail_cursor at = {0};
    size_t n;
    do {
        char *to = buf_reserve(&d->out, PIECE);
        n = mail_text_wire(&d->c->mail, &at, dots, to, PIECE);
        d->out.n += n;
        int r = send_out(d);
        if (r < 0) {
            return r;
        }
    } while (n > 0);
    return 0;
}

/* Is the text, as DATA sends it, in the midst of a line at its end? */
static bool ends_in_line(const struct mail_text *m)
{
    struct slice s = m->octets;
    bool crlf = s.n >= 2 && memcmp(s.p + s.n - 2, "\r\n", 2) == 0;
    return s.n > 0 && !crlf && !m->unended && (m->cut || !m->lf_file);
}

static enum step message(struct dialogue *d)
{
    const struct mail_text *m = &d->c->mail;
    if (m->bare && !d->c->no_esmtp) {
        buf_printf(&d->out, "BDAT %llu LAST\r\n", (unsigned long long)m->wire_size);
        return send_text(d, false) < 0 ? STEP_GONE : await(d, 2);
    }
    buf_printf(&d->out, "DATA\r\n");
    enum step s = ask(d, 3);
    if (s != STEP_ON) {
        return s;
    }
    if (send_text(d, true) < 0) {
        return STEP_GONE;
    }
    buf_printf(&d->out, "%s.\r\n", ends_in_line(m) ? "\r\n" : "");
    return ask(d, 2);
}

/* ---- the whole ---- */

static enum step converse(struct dialogue *d)
{
    if (d->c->early) {
        put_hello(d);
        if (send_out(d) < 0) {
            return STEP_GONE;
        }
    }
    enum step s = await(d, 2);
    if (s == STEP_ON) {
        s = d->c->early ? await(d, 2) : hello(d);
    }
    if (s == STEP_ON && d->c->tls && !d->c->no_esmtp) {
        s = start_tls(d);
    }
    s = s == STEP_ON ? mail(d) : s;
    s = s == STEP_ON ? recipients(d) : s;
    return s == STEP_ON ? message(d) : s;
}

void judge_client_main(void *arg)
{
    struct judge_client *client = arg;
    struct dialogue d = {.client = client, .c = client->c};
    reply_reader_init(&d.reader);
    if (stream_connect(&client->server, rt_now() + PATIENCE, &d.stream) == 0) {
        if (converse(&d) != STEP_GONE) {
            buf_printf(&d.out, "QUIT\r\n");
            (void)ask(&d, 2);
        }
        (void)stream_close(d.stream);
    }
    reply_reader_free(&d.reader);
    buf_free(&d.out);
    client->done = true;
}
