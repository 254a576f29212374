#include "mail_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"

/* One attempt's connection. */
struct attempt {
    struct mail_client *c;
    struct stream *stream;
    struct buf in;
    struct buf out;
    unsigned tried[CLIENT_RECIPIENTS]; /* indices of the recipients named in this attempt */
    unsigned tried_count;
    bool accepted[CLIENT_RECIPIENTS]; /* at RCPT */
    bool had[CLIENT_RECIPIENTS];      /* a copy, before this attempt */
};

/* ---- octets ---- */

static int flush(struct attempt *a)
{
    struct iovec iov = {a->out.p, a->out.n};
    int r = stream_write(a->stream, &iov, 1, rt_now() + a->c->patience, NULL);
    a->out.n = 0;
    return r;
}

/* Reads one reply, all its lines; its code, or a negative errno. */
static int get_reply(struct attempt *a)
{
    usec_t deadline = rt_now() + a->c->patience;
    for (;;) {
        char *lf = a->in.n > 0 ? memchr(a->in.p, '\n', a->in.n) : NULL;
        if (lf != NULL) {
            *lf = '\0';
            int code = atoi(a->in.p);
            bool last = a->in.p[3] != '-';
            buf_consume(&a->in, (size_t)(lf - a->in.p) + 1);
            if (last) {
                return code;
            }
            continue;
        }
        char *p = buf_reserve(&a->in, 1024);
        ssize_t n = stream_read(a->stream, p, 1024, deadline);
        if (n <= 0) {
            return n == 0 ? -ECONNRESET : (int)n;
        }
        a->in.n += (size_t)n;
    }
}

static int command(struct attempt *a, const char *line)
{
    buf_printf(&a->out, "%s\r\n", line);
    int r = flush(a);
    return r < 0 ? r : get_reply(a);
}

/* ---- what the answers mean ---- */

static bool has_copy(struct mail_client *c, unsigned i)
{
    return c->has_copy(c->has_copy_arg, c->recipients[i]);
}

static void note_final(struct mail_client *c, unsigned i, int code)
{
    if (code >= 200 && code < 300) {
        c->finals[i] = CLIENT_DELIVERED;
        c->unfounded += !has_copy(c, i);
    } else if (code >= 500) {
        c->finals[i] = CLIENT_REFUSED;
        c->false_no += has_copy(c, i);
    }
}

static void note_message_reply(struct attempt *a, int code)
{
    bool all = true, any = false, before = true;
    for (unsigned t = 0; t < a->tried_count; t++) {
        if (a->accepted[t]) {
            note_final(a->c, a->tried[t], code);
            any |= has_copy(a->c, a->tried[t]);
            all &= has_copy(a->c, a->tried[t]);
            before &= a->had[t];
        }
    }
    if (code >= 400 && code < 500) {
        a->c->put_off += all && !before;
        a->c->put_off_again += all && before;
        a->c->partly += any && !all;
    }
}

/* ---- the dialogue ---- */

static int greet(struct attempt *a)
{
    int r = get_reply(a);
    if (r != 220) {
        return -EAGAIN;
    }
    return command(a, "EHLO client.example") == 250 ? 0 : -EAGAIN;
}

static int start_tls(struct attempt *a)
{
    static const struct tls_peer peer = {.name = "mx.example"};
    struct stream *secure;
    char why[100];
    if (command(a, "STARTTLS") != 220) {
        return -EAGAIN;
    }
    int r = tls_connect(a->c->house->tls_client, a->stream, &peer, rt_now() + a->c->patience,
                        &secure, why, sizeof why);
    if (r < 0) {
        return r;
    }
    a->stream = secure;
    return command(a, "EHLO client.example") == 250 ? 0 : -EAGAIN;
}

static void put_body(struct attempt *a)
{
    const char *m = a->c->message;
    size_t n = strlen(m), half = n / 2;
    if (!a->c->bdat) {
        buf_printf(&a->out, "%s.\r\n", m);
        return;
    }
    buf_printf(&a->out, "BDAT %zu\r\n%.*sBDAT %zu LAST\r\n%s", half, (int)half, m, n - half,
               m + half);
}

static int read_rcpt_replies(struct attempt *a)
{
    unsigned accepted = 0;
    int mail = get_reply(a);
    if (mail < 0) {
        return mail;
    }
    for (unsigned t = 0; t < a->tried_count; t++) {
        int code = get_reply(a);
        if (code < 0) {
            return code;
        }
        a->accepted[t] = code >= 200 && code < 300;
        accepted += a->accepted[t];
        if (code >= 500) {
            note_final(a->c, a->tried[t], code);
        }
        if (code == 421) {
            return -EAGAIN;
        }
    }
    return accepted > 0 ? 0 : -EAGAIN;
}

static void put_envelope(struct attempt *a)
{
    buf_printf(&a->out, "MAIL FROM:<sender@client.example>\r\n");
    for (unsigned t = 0; t < a->tried_count; t++) {
        buf_printf(&a->out, "RCPT TO:<%s>\r\n", a->c->recipients[a->tried[t]]);
    }
}

/* The answer to the end of the data, with BDAT's first chunk's before it. */
static int read_message_reply(struct attempt *a)
{
    if (a->c->bdat) {
        int chunk = get_reply(a);
        if (chunk < 0 || chunk == 421) {
            return -EAGAIN;
        }
        if (chunk >= 300) {
            get_reply(a); /* the second chunk's */
            return chunk;
        }
    }
    return get_reply(a);
}

/* Everything in as few writes as RFC 2920 allows, and QUIT behind the message. */
static int send_pipelined(struct attempt *a)
{
    put_envelope(a);
    if (a->c->bdat) {
        put_body(a);
        buf_printf(&a->out, "QUIT\r\n");
    } else {
        buf_printf(&a->out, "DATA\r\n");
    }
    int r = flush(a);
    if (r < 0) {
        return r;
    }
    r = read_rcpt_replies(a);
    if (r < 0 || a->c->bdat) {
        return r;
    }
    if (get_reply(a) != 354) {
        return -EAGAIN;
    }
    put_body(a);
    buf_printf(&a->out, "QUIT\r\n");
    return flush(a);
}

static int send_stepwise(struct attempt *a)
{
    put_envelope(a);
    int r = flush(a);
    r = r < 0 ? r : read_rcpt_replies(a);
    if (r < 0) {
        return r;
    }
    if (!a->c->bdat && command(a, "DATA") != 354) {
        return -EAGAIN;
    }
    put_body(a);
    return flush(a);
}

static int transact(struct attempt *a)
{
    int r = greet(a);
    if (r == 0 && a->c->tls) {
        r = start_tls(a);
    }
    if (r < 0) {
        return r;
    }
    r = a->c->pipelined ? send_pipelined(a) : send_stepwise(a);
    if (r < 0) {
        return r;
    }
    int code = read_message_reply(a);
    if (code < 0) {
        return code;
    }
    note_message_reply(a, code);
    if (code == 421) {
        return -EAGAIN;
    }
    if (!a->c->pipelined) {
        buf_printf(&a->out, "QUIT\r\n");
        r = flush(a);
    }
    code = r < 0 ? r : get_reply(a);
    a->c->stray += code >= 0 && code != 221 && code != 421;
    return 0;
}

static void one_attempt(struct mail_client *c)
{
    struct attempt a = {.c = c};
    struct addr to = house_address(c->attempts % 2);
    c->attempts++;
    for (unsigned i = 0; i < c->recipient_count; i++) {
        if (c->finals[i] == CLIENT_PENDING) {
            a.had[a.tried_count] = has_copy(c, i);
            a.tried[a.tried_count++] = i;
        }
    }
    if (stream_connect(&to, rt_now() + c->patience, &a.stream) < 0) {
        return;
    }
    c->stream = a.stream;
    transact(&a);
    c->stream = NULL;
    stream_close(a.stream);
    buf_free(&a.in);
    buf_free(&a.out);
}

static bool all_final(const struct mail_client *c)
{
    for (unsigned i = 0; i < c->recipient_count; i++) {
        if (c->finals[i] == CLIENT_PENDING) {
            return false;
        }
    }
    return true;
}

static void client_task(void *arg)
{
    struct mail_client *c = arg;
    while (!all_final(c) && c->attempts < CLIENT_ATTEMPTS) {
        one_attempt(c);
        /* The first retries come soon, to meet what is still under way. */
        task_sleep(rt_now() + (c->attempts < 3 ? 5 : 120) * USEC_SEC);
    }
    c->done = true;
}

void mail_client_start(struct mail_client *c)
{
    if (task_spawn(c->house->outside, rt_root_of(c->house->outside), client_task, c) < 0) {
        fatal("no memory for a client");
    }
}
