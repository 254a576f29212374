/* Statements for what clients do.
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

bool client_connected(struct run *r)
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

void client_send(struct run *r, struct slice text, bool deaf)
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

void client_say(struct run *r, struct slice line)
{
    struct buf out = {0};
    if (!client_connected(r)) {
        return;
    }
    text_expand(&out, line);
    note(r, ">", buf_slice(&out));
    buf_append(&out, "\r\n", 2);
    client_send(r, buf_slice(&out), false);
    buf_free(&out);
}

static void st_say(struct run *r, const char *rest)
{
    client_say(r, slice_of(rest));
}

/* ---- connections ---- */

void client_connect(struct run *r, const char *rest)
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
    client_connect(r, rest);
    if (!r->failed && client_expect(r, "220 mx.example ESMTP$")) {
        client_say(r, SLICE_LIT("EHLO client.example"));
        client_expect(r, "250-mx.example | ");
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
    if (client_connected(r)) {
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
    if (client_connected(r) && !c->tls) {
        sim_half_close(c->stream);
        task_yield();
    }
}

/* ---- TLS ---- */

static void shake(struct run *r, bool succeeds)
{
    static const struct tls_peer peer = {.name = "mx.example"};
    struct client *c = this_client(r);
    struct stream *secure;
    char why[100];
    if (!client_connected(r)) {
        return;
    }
    if (c->in.n > 0) {
        fail(r, "octets before TLS: \"%.*s\"", (int)c->in.n, c->in.p);
        return;
    }
    note(r, "-", SLICE_LIT("TLS handshake"));
    int e = tls_connect(r->house->tls_client, c->stream, &peer, rt_now() + PATIENCE, &secure, why,
                        sizeof why);
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
    client_say(r, SLICE_LIT("STARTTLS"));
    if (client_expect(r, "220 2.0.0")) {
        shake(r, true);
    }
}

/* ---- much, or odd ---- */

static void send_string(struct run *r, const char *text, bool deaf)
{
    struct buf out = {0};
    if (text_string(&out, text) == NULL) {
        fail(r, "not a string: %s", text);
    } else if (client_connected(r)) {
        note(r, ">", buf_slice(&out));
        client_send(r, buf_slice(&out), deaf);
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
    } else if (client_connected(r)) {
        note(r, ">", buf_slice(&out));
        for (size_t at = 0; at < out.n; at += n) {
            client_send(r, (struct slice){out.p + at, out.n - at < n ? out.n - at : n}, false);
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
            client_expect(r, text + 2);
        }
        r->quiet = false;
        return;
    }
    struct buf all = {0};
    for (unsigned long i = 0; i < n; i++) {
        put_numbered(&all, text + 2, i + 1);
    }
    note(r, "> repeatedly", slice_of(text + 2));
    if (client_connected(r)) {
        client_send(r, buf_slice(&all), false);
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
    for (unsigned long i = 0; i < n && client_connected(r) && !this_client(r)->blocked; i++) {
        client_send(r, buf_slice(&one), true);
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
    for (unsigned long i = 0; i < n && client_connected(r); i++) {
        client_send(r, buf_slice(&one), false);
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
    if (client_connected(r)) {
        client_send(r, (struct slice){octets, n}, false);
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
    client_say(r, slice_of(line));
    if (!client_expect(r, "250 2.1.0")) {
        return;
    }
    while (!r->failed && text_word(&rest, word, sizeof word)) {
        snprintf(line, sizeof line, "RCPT TO:<%s>", word);
        client_say(r, slice_of(line));
        client_expect(r, "250 2.1.5");
    }
}

/* data [BODY]: DATA and a message, but not its reply. */
bool client_data(struct run *r, const char *rest)
{
    client_say(r, SLICE_LIT("DATA"));
    if (!client_expect(r, "354")) {
        return false;
    }
    struct buf out = {0};
    if (*rest == '\0') {
        buf_printf(&out, MESSAGE);
    } else if (text_string(&out, rest) == NULL) {
        fail(r, "data [\"STRING\"]");
    }
    note(r, "> message", buf_slice(&out));
    buf_append(&out, ".\r\n", 3);
    client_send(r, buf_slice(&out), false);
    buf_free(&out);
    return true;
}

static void st_data(struct run *r, const char *rest)
{
    client_data(r, rest);
}

static void st_deliver(struct run *r, const char *rest)
{
    st_mail(r, rest);
    if (!r->failed && client_data(r, "")) {
        client_expect(r, "250 2.0.0");
    }
}

static void st_bye(struct run *r, const char *rest)
{
    (void)rest;
    client_say(r, SLICE_LIT("QUIT"));
    if (client_expect(r, "221 2.0.0") && !r->golden) {
        client_closed(r, "");
    }
}

const struct statement client_statements[] = {
    {">", st_say},
    {"connect", client_connect},
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
