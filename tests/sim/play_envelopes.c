/* Plays messages over SMTP in the simulated world, by a client of its own, and prints the decision
 * line of each: what tests/sim/test_judge.py holds `gatepost judge` against.
 *
 * usage: play_envelopes CONFIGURATION [early] [tls] [dns=ZONEFILE] <REQUESTS
 *
 * A request is a line of JSON: wire (a file with the message as it is sent, dots not doubled), ip,
 * helo, mail_from, rcpt (an array), at (microseconds since 1970). Each has a house of its own. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "house.h"
#include "mail_hop.h"

struct player {
    struct house *house;
    json_t *request;
    struct buf wire;
    bool tls, early;
    struct stream *stream;
    struct buf in;
    bool done;
};

static const char *text_of(const struct player *p, const char *member)
{
    const char *text = json_string_value(json_object_get(p->request, member));
    if (text == NULL) {
        fatal("a request without %s", member);
    }
    return text;
}

static void say(struct player *p, const void *octets, size_t n)
{
    struct iovec iov = {(void *)(uintptr_t)octets, n};
    if (n > 0) {
        (void)stream_write(p->stream, &iov, 1, rt_now() + 3600 * USEC_SEC, NULL);
    }
}

/* The first digit of a whole reply, or 0 when there is none any more. */
static int hear(struct player *p)
{
    for (;;) {
        char *lf = p->in.n > 0 ? memchr(p->in.p, '\n', p->in.n) : NULL;
        if (lf == NULL) {
            char *to = buf_reserve(&p->in, 1024);
            ssize_t n = stream_read(p->stream, to, 1024, rt_now() + 3600 * USEC_SEC);
            if (n <= 0) {
                return 0;
            }
            p->in.n += (size_t)n;
            continue;
        }
        int digit = p->in.p[0] - '0';
        bool last = p->in.p[3] != '-';
        buf_consume(&p->in, (size_t)(lf - p->in.p) + 1);
        if (last) {
            return digit;
        }
    }
}

static int command(struct player *p, const char *format, const char *argument)
{
    char *line = NULL;
    if (asprintf(&line, format, argument) < 0) {
        fatal("out of memory");
    }
    say(p, line, strlen(line));
    free(line);
    return hear(p);
}

static bool has_8bit(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)s[i] & 0x80) != 0) {
            return true;
        }
    }
    return false;
}

static bool names_utf8(const struct player *p)
{
    size_t i;
    json_t *one;
    const char *sender = text_of(p, "mail_from");
    bool utf8 = has_8bit(sender, strlen(sender));
    json_array_foreach(json_object_get(p->request, "rcpt"), i, one)
    {
        utf8 |= has_8bit(json_string_value(one), json_string_length(one));
    }
    return utf8;
}

static bool is_bare(const struct buf *b)
{
    for (size_t i = 0; i < b->n; i++) {
        bool cr = b->p[i] == '\r' && (i + 1 == b->n || b->p[i + 1] != '\n');
        bool lf = b->p[i] == '\n' && (i == 0 || b->p[i - 1] != '\r');
        if (cr || lf) {
            return true;
        }
    }
    return false;
}

static void say_dotted(struct player *p)
{
    struct buf out = {0};
    for (size_t i = 0; i < p->wire.n; i++) {
        bool line_begins = i == 0 || (i > 1 && memcmp(p->wire.p + i - 2, "\r\n", 2) == 0);
        if (p->wire.p[i] == '.' && line_begins) {
            buf_append(&out, ".", 1);
        }
        buf_append(&out, p->wire.p + i, 1);
    }
    buf_append(&out, ".\r\n", 3);
    say(p, out.p, out.n);
    buf_free(&out);
}

static bool secure(struct player *p)
{
    static const struct tls_peer peer = {.name = "mx.example"};
    struct stream *tls;
    char why[100];
    if (command(p, "STARTTLS%s\r\n", "") != 2 ||
        tls_connect(p->house->tls_client, p->stream, &peer, rt_now() + 60 * USEC_SEC, &tls, why,
                    sizeof why) < 0) {
        fatal("no TLS: %s", why);
    }
    p->stream = tls;
    return command(p, "EHLO %s\r\n", text_of(p, "helo")) == 2;
}

static bool greet(struct player *p)
{
    if (p->early) {
        say(p, "EHLO ", 5);
        say(p, text_of(p, "helo"), strlen(text_of(p, "helo")));
        say(p, "\r\n", 2);
    }
    if (hear(p) != 2) {
        return false;
    }
    bool greeted = (p->early ? hear(p) : command(p, "EHLO %s\r\n", text_of(p, "helo"))) == 2;
    return greeted && (!p->tls || secure(p));
}

static bool envelope(struct player *p)
{
    size_t i;
    json_t *one;
    bool any = false;
    struct buf mail = {0};
    buf_printf(&mail, "MAIL FROM:<%s> SIZE=%zu%s%s\r\n", text_of(p, "mail_from"), p->wire.n,
               has_8bit(p->wire.p, p->wire.n) ? " BODY=8BITMIME" : "",
               names_utf8(p) ? " SMTPUTF8" : "");
    say(p, mail.p, mail.n);
    buf_free(&mail);
    if (hear(p) != 2) {
        return false;
    }
    json_array_foreach(json_object_get(p->request, "rcpt"), i, one)
    {
        int digit = command(p, "RCPT TO:<%s>\r\n", json_string_value(one));
        any |= digit == 2;
    }
    return any;
}

static void message(struct player *p)
{
    if (is_bare(&p->wire)) {
        char line[60];
        snprintf(line, sizeof line, "BDAT %zu LAST\r\n", p->wire.n);
        say(p, line, strlen(line));
        say(p, p->wire.p, p->wire.n);
        (void)hear(p);
    } else if (command(p, "DATA%s\r\n", "") == 3) {
        say_dotted(p);
        (void)hear(p);
    }
}

static void play(void *arg)
{
    struct player *p = arg;
    struct addr to = house_address(0);
    if (stream_connect(&to, rt_now() + 60 * USEC_SEC, &p->stream) < 0) {
        fatal("nobody listens");
    }
    if (greet(p) && envelope(p)) {
        message(p);
    }
    (void)command(p, "QUIT%s\r\n", "");
    p->stream = stream_close(p->stream);
    p->done = true;
}

static void read_file(const char *path, struct buf *to)
{
    FILE *f = fopen(path, "r");
    size_t n = 1;
    if (f == NULL) {
        fatal("cannot open %s", path);
    }
    while (n > 0) {
        n = fread(buf_reserve(to, 65536), 1, 65536, f);
        to->n += n;
    }
    fclose(f);
}

static void give_dns(struct house *h, struct slice text)
{
    struct zone *zone = zone_new();
    struct zone_problem problem;
    if (zone_read(zone, text, &problem) < 0) {
        fatal("zone, line %u: %s", problem.line, problem.text);
    }
    house_set_dns(h, zone);
}

static void play_one(const char *conf, struct slice zone, json_t *request, bool early, bool tls)
{
    struct player p = {.request = request, .tls = tls, .early = early};
    struct addr client;
    p.house = house_new(7, conf, 1, tls);
    if (zone.n > 0) {
        give_dns(p.house, zone);
    }
    struct mail_hop *hop = mail_hop_new(p.house);
    hop->chunking = true;
    read_file(text_of(&p, "wire"), &p.wire);
    if (addr_parse(slice_of(text_of(&p, "ip")), &client) < 0) {
        fatal("no address: %s", text_of(&p, "ip"));
    }
    client.port = 49152;
    sim_set_address(p.house->outside, &client);
    sim_set_wall(p.house->sim, json_integer_value(json_object_get(request, "at")));
    if (task_spawn(p.house->outside, rt_root_of(p.house->outside), play, &p) < 0 ||
        !sim_run_until(p.house->sim, &p.done)) {
        fatal("a client that comes to no end");
    }
    sim_run(p.house->sim, sim_now(p.house->sim) + 2000 * USEC_SEC);
    struct buf *lines = &p.house->decisions;
    while (lines->n > 0 && lines->p[lines->n - 1] == '\n') {
        lines->n--;
    }
    printf("%.*s\n", (int)lines->n, lines->p);
    buf_free(&p.in);
    buf_free(&p.wire);
    mail_hop_free(hop);
    house_free(p.house);
}

int main(int argc, char **argv)
{
    struct buf conf = {0}, zone = {0};
    bool early = false, tls = false;
    if (argc < 2) {
        fatal("usage: play_envelopes CONFIGURATION [early] [tls] [dns=ZONEFILE] <REQUESTS");
    }
    read_file(argv[1], &conf);
    buf_append(&conf, "", 1);
    for (int i = 2; i < argc; i++) {
        early |= strcmp(argv[i], "early") == 0;
        tls |= strcmp(argv[i], "tls") == 0;
        if (strncmp(argv[i], "dns=", 4) == 0) {
            read_file(argv[i] + 4, &zone);
        }
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        json_error_t error;
        json_t *request = json_loads(line, 0, &error);
        if (request == NULL) {
            fatal("no request: %s", error.text);
        }
        play_one(conf.p, buf_slice(&zone), request, early, tls);
        json_decref(request);
    }
    free(line);
    buf_free(&conf);
    buf_free(&zone);
    return 0;
}
