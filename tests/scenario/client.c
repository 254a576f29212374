/* Statements for what clients do and hear.
 *
 * While a client writes it also reads, as every real one must; only `flood` does not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "scenario.h"

#define SENDER  "sender@client.example"
#define MESSAGE "Subject: test\r\n\r\nhello\r\n"

struct client *this_client(struct run *r)
{
    return &r->clients[r->current];
}

static bool connected(struct run *r)
{
    if (this_client(r)->stream == NULL) {
        fail(r, "client %u is not connected", r->current);
        return false;
    }
    return true;
}

void client_end(struct run *r, struct client *c)
{
    (void)r;
    c->stream = stream_close(c->stream);
    buf_free(&c->in);
    c->ended = c->blocked = c->tls = false;
}

/* ---- octets ---- */

/* Takes in what has arrived; false when there was nothing. */
static bool take_in(struct client *c)
{
    ssize_t n = c->stream->ops->try_read(c->stream, buf_reserve(&c->in, 4096), 4096);
    if (n > 0) {
        c->in.n += (size_t)n;
    } else if (n != -EAGAIN) {
        c->ended = true;
    }
    return n > 0;
}

/* Sends; `deaf` clients do not read meanwhile. Stops early when the server reads no more. */
static void send_octets(struct run *r, struct slice text, bool deaf)
{
    struct client *c = this_client(r);
    unsigned events = deaf ? STREAM_WRITABLE : STREAM_WRITABLE | STREAM_READABLE;
    c->spoke_at = rt_now();
    while (text.n > 0 && !c->ended && !c->blocked) {
        struct iovec iov = {(char *)text.p, text.n};
        ssize_t n = c->stream->ops->try_writev(c->stream, &iov, 1);
        if (n > 0) {
            text = (struct slice){text.p + n, text.n - (size_t)n};
            c->spoke_at = rt_now();
        } else if (n != -EAGAIN) {
            return; /* the server has gone: reading will tell */
        } else if (deaf || !take_in(c)) {
            int e = c->stream->ops->wait(c->stream, events, rt_now() + 30 * USEC_SEC);
            c->blocked = e == -ETIMEDOUT;
        }
    }
    /* What follows in the script comes a moment later than what was written here. */
    task_yield();
}

static void say(struct run *r, struct slice line)
{
    struct buf out = {0};
    if (!connected(r)) {
        return;
    }
    text_expand(&out, line);
    note(r, ">", buf_slice(&out));
    buf_append(&out, "\r\n", 2);
    send_octets(r, buf_slice(&out), false);
    buf_free(&out);
}

/* Waits for more; false at the end of the stream or of our patience. */
static bool hear_more(struct client *c, usec_t deadline)
{
    if (c->ended) {
        return false;
    }
    ssize_t n = stream_read(c->stream, buf_reserve(&c->in, 4096), 4096, deadline);
    if (n > 0) {
        c->in.n += (size_t)n;
        return true;
    }
    c->ended = n != -ETIMEDOUT;
    return false;
}

/* ---- replies ---- */

/* The decision id at the end of a negative reply: "… [ID.N.N]". */
static void keep_id(struct run *r, struct slice reply)
{
    const char *open = reply.n > 0 ? memrchr(reply.p, '[', reply.n) : NULL;
    if (open == NULL || reply.p[reply.n - 1] != ']' || (reply.p[0] != '4' && reply.p[0] != '5')) {
        return;
    }
    const char *dot = strchr(open, '.');
    if (dot != NULL) {
        buf_printf(&r->reply_ids, "%.*s%.*s\n", (int)(dot - open - 1), open + 1,
                   (int)strspn(dot, ".0123456789"), dot);
    }
}

/* One line of a reply off the input: 1 when it was the last, 0 when more follow, -1 when there is
 * none. */
static int take_reply_line(struct client *c)
{
    const char *lf = c->in.n > 0 ? memchr(c->in.p, '\n', c->in.n) : NULL;
    if (lf == NULL) {
        return -1;
    }
    size_t n = (size_t)(lf - c->in.p);
    size_t text = n > 0 && c->in.p[n - 1] == '\r' ? n - 1 : n;
    bool last = text < 4 || c->in.p[3] != '-';
    if (c->reply.n > 0) {
        buf_append(&c->reply, " | ", 3);
    }
    buf_append(&c->reply, c->in.p, text);
    buf_consume(&c->in, n + 1);
    return last;
}

/* The next whole reply into c->reply; false when none comes. */
static bool hear(struct run *r)
{
    struct client *c = this_client(r);
    usec_t deadline = rt_now() + PATIENCE;
    c->reply.n = 0;
    for (;;) {
        int last = take_reply_line(c);
        if (last > 0) {
            break;
        }
        if (last < 0 && !hear_more(c, deadline)) {
            return false;
        }
    }
    c->replied_at = rt_now();
    buf_append(&c->reply, "", 1);
    c->reply.n--;
    if (!r->quiet) {
        note(r, "<", buf_slice(&c->reply));
    }
    keep_id(r, buf_slice(&c->reply));
    return true;
}

static void expect_reply(struct run *r, const char *pattern)
{
    struct client *c = this_client(r);
    if (!connected(r)) {
        return;
    }
    if (!hear(r)) {
        fail(r, "expected \"%s\", but %s", pattern,
             c->ended ? "the server has closed" : "nothing came");
    } else if (!text_matches(pattern, buf_slice(&c->reply), false)) {
        fail(r, "expected \"%s\", got \"%s\"", pattern, c->reply.p);
    }
}

static void st_say(struct run *r, const char *rest)
{
    say(r, slice_of(rest));
}

static void st_hear(struct run *r, const char *rest)
{
    expect_reply(r, rest);
}

/* rest < PATTERN || PATTERN: every reply until the server closes. */
static void st_rest(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    unsigned count = 0;
    note(r, "< rest", slice_of(rest));
    r->quiet = true;
    while (!r->failed && connected(r) && hear(r)) {
        const char *p = rest;
        bool good = false;
        while (!good && p != NULL) {
            char pattern[200];
            const char * or = strstr(p, " || ");
            snprintf(pattern, sizeof pattern, "%.*s", (int)(or != NULL ? or -p : (int)strlen(p)),
                     p);
            good = text_matches(pattern, buf_slice(&c->reply), false);
            p = or != NULL ? or +4 : NULL;
        }
        count++;
        if (!good) {
            fail(r, "expected \"%s\", got \"%s\"", rest, c->reply.p);
        }
    }
    r->quiet = false;
    note(r, "< last", buf_slice(&c->reply));
    if (!r->failed && (!c->ended || count == 0)) {
        fail(r, "expected replies and the end of the connection");
    }
}

/* closed [anyhow]: the server has closed, without a further word or with any. */
static void st_closed(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    usec_t deadline = rt_now() + PATIENCE;
    if (!connected(r)) {
        return;
    }
    if (strcmp(rest, "anyhow") == 0) {
        while (hear_more(c, deadline)) {
        }
        c->in.n = 0;
    }
    if (hear(r)) {
        fail(r, "expected the end of the connection, got \"%s\"", c->reply.p);
    } else if (!c->ended || c->in.n > 0) {
        fail(r, "expected the end of the connection");
    }
    client_end(r, c);
}

static void st_silence(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    usec_t time = text_duration(rest, &rest);
    if (time < 0) {
        fail(r, "silence DURATION");
    } else if (connected(r) && (c->in.n > 0 || hear_more(c, rt_now() + time))) {
        fail(r, "expected silence, got \"%.*s\"", (int)c->in.n, c->in.p);
    } else if (c->ended) {
        fail(r, "expected silence, but the server has closed");
    }
}

static void st_has(struct run *r, const char *rest)
{
    char pattern[300];
    snprintf(pattern, sizeof pattern, "*%s", rest);
    if (!text_matches(pattern, buf_slice(&this_client(r)->reply), false)) {
        fail(r, "the reply lacks \"%s\"", rest);
    }
}

static void st_lacks(struct run *r, const char *rest)
{
    char pattern[300];
    snprintf(pattern, sizeof pattern, "*%s", rest);
    if (text_matches(pattern, buf_slice(&this_client(r)->reply), false)) {
        fail(r, "the reply has \"%s\"", rest);
    }
}

/* took 300s 301s: from the client's last octet to the reply. */
static void st_took(struct run *r, const char *rest)
{
    const struct client *c = this_client(r);
    usec_t least = text_duration(rest, &rest);
    usec_t most = least < 0 ? -1 : text_duration(rest, &rest);
    usec_t took = c->replied_at - c->spoke_at;
    if (most < 0) {
        fail(r, "took LEAST MOST");
    } else if (took < least || took > most) {
        fail(r, "the reply took %lld.%06lld s", (long long)(took / USEC_SEC),
             (long long)(took % USEC_SEC));
    }
}

/* ---- connections ---- */

static void st_connect(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    struct addr to = house_address((unsigned)strtoul(rest, NULL, 10));
    if (c->stream != NULL) {
        fail(r, "client %u is connected already", r->current);
        return;
    }
    note(r, "-", SLICE_LIT("connect"));
    int e = stream_connect(&to, rt_now() + PATIENCE, &c->stream);
    if (e < 0) {
        fail(r, "cannot connect: %s", strerror(-e));
        return;
    }
    c->spoke_at = rt_now();
    r->connects++;
}

static void st_hello(struct run *r, const char *rest)
{
    st_connect(r, rest);
    if (!r->failed) {
        expect_reply(r, "220 mx.example ESMTP$");
        say(r, SLICE_LIT("EHLO client.example"));
        expect_reply(r, "250-mx.example | ");
    }
}

static void st_client(struct run *r, const char *rest)
{
    unsigned long n = strtoul(rest, NULL, 10);
    if (n < 1 || n > CLIENTS_MAX) {
        fail(r, "client 1 to %d", CLIENTS_MAX);
        return;
    }
    r->current = (unsigned)n;
    note(r, "- client", slice_of(rest));
}

static void st_from(struct run *r, const char *rest)
{
    struct addr a;
    if (addr_parse(slice_of(rest), &a) < 0) {
        fail(r, "from ADDRESS");
        return;
    }
    sim_set_address(r->house->outside, &a);
}

static void st_close(struct run *r, const char *rest)
{
    (void)rest;
    note(r, "-", SLICE_LIT("close"));
    /* A kernel that closes with octets unread sends a reset: read them first. */
    while (this_client(r)->stream != NULL && !this_client(r)->ended && take_in(this_client(r))) {
    }
    client_end(r, this_client(r));
}

static void st_reset(struct run *r, const char *rest)
{
    (void)rest;
    struct client *c = this_client(r);
    note(r, "-", SLICE_LIT("reset"));
    if (connected(r)) {
        c->stream->ops->close(c->stream, true);
        c->stream = NULL;
        client_end(r, c);
    }
}

static void st_half_close(struct run *r, const char *rest)
{
    (void)rest;
    struct client *c = this_client(r);
    note(r, "-", SLICE_LIT("half-close"));
    if (connected(r) && !c->tls) {
        sim_half_close(c->stream);
        task_yield();
    }
}

/* ---- TLS ---- */

static void shake(struct run *r, bool succeeds)
{
    struct client *c = this_client(r);
    struct stream *secure;
    if (!connected(r)) {
        return;
    }
    if (c->in.n > 0) {
        fail(r, "octets before TLS: \"%.*s\"", (int)c->in.n, c->in.p);
        return;
    }
    note(r, "-", SLICE_LIT("TLS handshake"));
    int e =
        tls_connect(r->house->tls_client, c->stream, "mx.example", rt_now() + PATIENCE, &secure);
    if ((e == 0) != succeeds) {
        fail(r, "the TLS handshake %s", e == 0 ? "succeeded" : strerror(-e));
    }
    if (e == 0) {
        c->stream = secure;
        c->tls = true;
    }
}

static void st_handshake(struct run *r, const char *rest)
{
    shake(r, strcmp(rest, "fails") != 0);
}

static void st_starttls(struct run *r, const char *rest)
{
    (void)rest;
    say(r, SLICE_LIT("STARTTLS"));
    expect_reply(r, "220 2.0.0");
    if (!r->failed) {
        shake(r, true);
    }
}

/* ---- much, or odd ---- */

static void send_string(struct run *r, const char *text, bool deaf)
{
    struct buf out = {0};
    if (text_string(&out, text) == NULL) {
        fail(r, "not a string: %s", text);
    } else if (connected(r)) {
        note(r, ">", buf_slice(&out));
        send_octets(r, buf_slice(&out), deaf);
    }
    buf_free(&out);
}

static void st_raw(struct run *r, const char *rest)
{
    send_string(r, rest, false);
}

/* pieces N "STRING": in pieces of N octets, each a moment after the other. */
static void st_pieces(struct run *r, const char *rest)
{
    char *text;
    size_t n = strtoul(rest, &text, 10);
    struct buf out = {0};
    if (n == 0 || text_string(&out, text + strspn(text, " ")) == NULL) {
        fail(r, "pieces N \"STRING\"");
    } else if (connected(r)) {
        note(r, ">", buf_slice(&out));
        for (size_t at = 0; at < out.n; at += n) {
            send_octets(r, (struct slice){out.p + at, out.n - at < n ? out.n - at : n}, false);
            task_sleep(rt_now() + 5000);
        }
    }
    buf_free(&out);
}

/* A line, with "{#}" in it replaced by the number. */
static void put_numbered(struct buf *ret, const char *line, unsigned long number)
{
    const char *mark = strstr(line, "{#}");
    size_t before = mark != NULL ? (size_t)(mark - line) : strlen(line);
    text_expand(ret, (struct slice){line, before});
    if (mark != NULL) {
        buf_printf(ret, "%lu", number);
        text_expand(ret, slice_of(mark + 3));
    }
    buf_append(ret, "\r\n", 2);
}

/* repeat N > LINE, repeat N < PATTERN */
static void st_repeat(struct run *r, const char *rest)
{
    char *text;
    unsigned long n = strtoul(rest, &text, 10);
    text += strspn(text, " ");
    if (n == 0 || (text[0] != '>' && text[0] != '<') || text[1] != ' ') {
        fail(r, "repeat N > LINE, or repeat N < PATTERN");
        return;
    }
    if (text[0] == '<') {
        note(r, "< repeatedly", slice_of(text + 2));
        r->quiet = true;
        for (unsigned long i = 0; i < n && !r->failed; i++) {
            expect_reply(r, text + 2);
        }
        r->quiet = false;
        return;
    }
    struct buf all = {0};
    for (unsigned long i = 0; i < n; i++) {
        put_numbered(&all, text + 2, i + 1);
    }
    note(r, "> repeatedly", slice_of(text + 2));
    if (connected(r)) {
        send_octets(r, buf_slice(&all), false);
    }
    buf_free(&all);
}

/* flood N "STRING": as often, or until the server reads no more; without reading anything. */
static void st_flood(struct run *r, const char *rest)
{
    char *text;
    unsigned long n = strtoul(rest, &text, 10);
    struct buf one = {0};
    if (n == 0 || text_string(&one, text + strspn(text, " ")) == NULL) {
        fail(r, "flood N \"STRING\"");
    }
    note(r, "> flood of", buf_slice(&one));
    for (unsigned long i = 0; i < n && connected(r) && !this_client(r)->blocked; i++) {
        send_octets(r, buf_slice(&one), true);
    }
    buf_free(&one);
}

static void st_blocked(struct run *r, const char *rest)
{
    (void)rest;
    if (!this_client(r)->blocked) {
        fail(r, "the server has read everything");
    }
    this_client(r)->blocked = false;
}

/* trickle DURATION N "STRING": N times, so long apart, until something comes back. */
static void st_trickle(struct run *r, const char *rest)
{
    usec_t apart = text_duration(rest, &rest);
    char *text = (char *)rest;
    unsigned long n = apart < 0 ? 0 : strtoul(rest, &text, 10);
    struct buf one = {0};
    if (n == 0 || text_string(&one, text + strspn(text, " ")) == NULL) {
        fail(r, "trickle DURATION N \"STRING\"");
    }
    note(r, "> trickle", buf_slice(&one));
    for (unsigned long i = 0; i < n && connected(r); i++) {
        send_octets(r, buf_slice(&one), false);
        if (stream_wait_readable(this_client(r)->stream, rt_now() + apart) == 0) {
            break;
        }
    }
    buf_free(&one);
}

/* garbage N SEED: octets that only look random. */
static void st_garbage(struct run *r, const char *rest)
{
    char *end;
    size_t n = strtoul(rest, &end, 10);
    uint64_t x = strtoul(end, NULL, 10) * 2 + 1;
    char *octets = xmalloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        octets[i] = (char)(x >> 56);
    }
    note(r, "> garbage", slice_of(rest));
    if (connected(r)) {
        send_octets(r, (struct slice){octets, n}, false);
    }
    free(octets);
}

/* ---- whole transactions ---- */

/* mail [from SENDER] to RECIPIENT … */
static void st_mail(struct run *r, const char *rest)
{
    char word[300], line[320];
    const char *sender = SENDER;
    char given[300];
    bool good = text_word(&rest, word, sizeof word);
    if (good && strcmp(word, "from") == 0) {
        good = text_word(&rest, given, sizeof given) && text_word(&rest, word, sizeof word);
        sender = given;
    }
    if (!good || strcmp(word, "to") != 0) {
        fail(r, "mail [from SENDER] to RECIPIENT…");
        return;
    }
    snprintf(line, sizeof line, "MAIL FROM:<%s>", strcmp(sender, "<>") == 0 ? "" : sender);
    say(r, slice_of(line));
    expect_reply(r, "250 2.1.0");
    while (!r->failed && text_word(&rest, word, sizeof word)) {
        snprintf(line, sizeof line, "RCPT TO:<%s>", word);
        say(r, slice_of(line));
        expect_reply(r, "250 2.1.5");
    }
}

/* data [BODY]: DATA and a message, but not its reply. */
static void st_data(struct run *r, const char *rest)
{
    say(r, SLICE_LIT("DATA"));
    expect_reply(r, "354");
    if (r->failed) {
        return;
    }
    struct buf out = {0};
    if (*rest == '\0') {
        buf_printf(&out, MESSAGE);
    } else if (text_string(&out, rest) == NULL) {
        fail(r, "data [\"STRING\"]");
    }
    note(r, "> message", buf_slice(&out));
    buf_append(&out, ".\r\n", 3);
    send_octets(r, buf_slice(&out), false);
    buf_free(&out);
}

static void st_deliver(struct run *r, const char *rest)
{
    st_mail(r, rest);
    if (!r->failed) {
        st_data(r, "");
        expect_reply(r, "250 2.0.0");
    }
}

static void st_bye(struct run *r, const char *rest)
{
    (void)rest;
    say(r, SLICE_LIT("QUIT"));
    expect_reply(r, "221 2.0.0");
    if (!r->failed) {
        st_closed(r, "");
    }
}

const struct statement client_statements[] = {
    {">", st_say},
    {"<", st_hear},
    {"rest <", st_rest},
    {"closed", st_closed},
    {"silence", st_silence},
    {"has", st_has},
    {"lacks", st_lacks},
    {"took", st_took},
    {"connect", st_connect},
    {"hello", st_hello},
    {"client", st_client},
    {"from", st_from},
    {"close", st_close},
    {"reset", st_reset},
    {"half-close", st_half_close},
    {"starttls", st_starttls},
    {"handshake", st_handshake},
    {"raw", st_raw},
    {"pieces", st_pieces},
    {"repeat", st_repeat},
    {"flood", st_flood},
    {"blocked", st_blocked},
    {"trickle", st_trickle},
    {"garbage", st_garbage},
    {"mail", st_mail},
    {"data", st_data},
    {"deliver", st_deliver},
    {"bye", st_bye},
    {NULL},
};
