/* SMTP smuggling: whatever of CR, LF, NUL and dots stands in a message, no next hop shows a second
 * one, however lenient it is about the end of the data itself.
 *
 * Each variant of up to five octets goes into a message by DATA and by BDAT, with what would be a
 * second message behind it, cut at every place around it (into reads, and for BDAT into chunks).
 * With the argument `spare` and without GATEPOST_TEST_ALL=1 those of four and five octets are cut
 * at one place each, which is another one with each kind of hop. The hop counts messages;
 * Gatepost's own count of commits must always be the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "house.h"
#include "mail_hop.h"

#define VARIANT_MAX 5
#define SPARED_FROM 4 /* octets */
#define PATIENCE    (600 * USEC_SEC)

static const char conf_text[] = "hostname mx.example\n"
                                "listen 192.0.2.10:25\n"
                                "route example.org to smtp://" HOUSE_HOP "\n"
                                "limit errors 100000\nlimit commands 1000000\n"
                                "limit session_time 1d\n";

static const char evil[] = "MAIL FROM:<evil@client.example>\r\n"
                           "RCPT TO:<victim@example.org>\r\n"
                           "DATA\r\n"
                           "this is a second message\r\n";

enum mode { MODE_DATA, MODE_BDAT, MODE_BDAT_CHUNKS, MODE_COUNT };

struct series {
    struct house *house;
    struct mail_hop *hop;
    struct stream *stream;
    struct buf in;
    enum mode mode;
    unsigned long messages;  /* tried */
    unsigned long refused;   /* by Gatepost */
    unsigned long smuggled;  /* the hop has more than Gatepost sent */
    unsigned long real_ends; /* variants that hold a true end of data */
    unsigned number;         /* of this series */
    bool sparing;            /* variants of SPARED_FROM octets and more are cut at one place each */
    bool done;
};

static void put(struct series *s, const void *p, size_t n)
{
    struct iovec iov = {(void *)(uintptr_t)p, n};
    if (stream_write(s->stream, &iov, 1, rt_now() + PATIENCE, NULL) < 0) {
        fatal("the server went away");
    }
}

/* One reply's code. */
static int get(struct series *s)
{
    for (;;) {
        char *lf = s->in.n > 0 ? memchr(s->in.p, '\n', s->in.n) : NULL;
        if (lf != NULL) {
            *lf = '\0';
            int code = atoi(s->in.p);
            bool last = s->in.p[3] != '-';
            buf_consume(&s->in, (size_t)(lf - s->in.p) + 1);
            if (last) {
                return code;
            }
            continue;
        }
        char *p = buf_reserve(&s->in, 4096);
        ssize_t n = stream_read(s->stream, p, 4096, rt_now() + PATIENCE);
        if (n <= 0) {
            fatal("the server closed the session");
        }
        s->in.n += (size_t)n;
    }
}

/* Reads replies up to that of a VRFY, which nothing else gives. */
static void synchronise(struct series *s)
{
    put(s, "VRFY sync\r\nRSET\r\n", 17);
    int code;
    while ((code = get(s)) != 252) {
        s->refused += code == 554 || code == 550;
    }
    get(s);
}

static void envelope(struct series *s)
{
    static const char text[] = "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@example.org>\r\n";
    put(s, text, sizeof text - 1);
    if (get(s) != 250 || get(s) != 250) {
        fatal("the envelope was refused");
    }
}

static void put_chunk(struct series *s, const char *p, size_t n, bool last)
{
    char line[64];
    int length = snprintf(line, sizeof line, "BDAT %zu%s\r\n", n, last ? " LAST" : "");
    put(s, line, (size_t)length);
    put(s, p, n);
}

/* One message, its octets cut in two at `cut`. */
static void one_message(struct series *s, const char *p, size_t n, size_t cut)
{
    uint64_t committed = house_stat(s->house, offsetof(struct counters, commits));
    unsigned before = s->hop->messages;
    envelope(s);
    switch (s->mode) {
    case MODE_DATA:
        put(s, "DATA\r\n", 6);
        if (get(s) != 354) {
            fatal("DATA was refused");
        }
        put(s, p, cut);
        put(s, p + cut, n - cut);
        put(s, "\r\n.\r\n", 5);
        break;
    case MODE_BDAT: {
        char line[64];
        int length = snprintf(line, sizeof line, "BDAT %zu LAST\r\n", n);
        put(s, line, (size_t)length);
        put(s, p, cut);
        put(s, p + cut, n - cut);
        break;
    }
    case MODE_BDAT_CHUNKS:
        put_chunk(s, p, cut, false);
        put_chunk(s, p + cut, n - cut, true);
        break;
    case MODE_COUNT: break;
    }
    synchronise(s);
    committed = house_stat(s->house, offsetof(struct counters, commits)) - committed;
    s->messages++;
    if (s->hop->messages - before != committed || committed > 2 ||
        (committed == 2 && s->mode != MODE_DATA)) {
        if (s->smuggled++ < 10) {
            printf("not ok mode %d leniency %u cut %zu:", s->mode, s->hop->leniency, cut);
            for (size_t i = 0; i < n - sizeof evil + 1; i++) {
                printf(" %02x", (unsigned char)p[i]);
            }
            printf("\n");
        }
    }
}

/* Where the `number`th variant of its length is cut: from *first to *last of the places 0 to
 * length. */
static void places(const struct series *s, size_t number, size_t length, size_t *first,
                   size_t *last)
{
    *first = 0;
    *last = length;
    if (s->sparing && length >= SPARED_FROM) {
        *first = *last = (number + s->number) % (length + 1);
    }
}

static void one_variant(struct series *s, const char *lead, const char *variant, size_t number,
                        size_t length)
{
    size_t first, last;
    struct buf b = {0};
    buf_printf(&b, "Subject: x\r\n\r\n%s", lead);
    size_t start = b.n;
    buf_append(&b, variant, length);
    size_t end = b.n;
    buf_append(&b, evil, sizeof evil - 1);
    s->real_ends += memmem(b.p + start - 2, end - start + 2, "\r\n.\r\n", 5) != NULL;
    places(s, number, length, &first, &last);
    for (size_t cut = first; cut <= last; cut++) {
        one_message(s, b.p, b.n, start + cut);
    }
    buf_free(&b);
}

static void all_variants(struct series *s)
{
    static const char alphabet[4] = {'\r', '\n', '\0', '.'};
    char variant[VARIANT_MAX];
    for (size_t length = 1; length <= VARIANT_MAX; length++) {
        for (unsigned n = 0; n < 1u << (2 * length); n++) {
            for (size_t i = 0; i < length; i++) {
                variant[i] = alphabet[(n >> (2 * i)) & 3];
            }
            one_variant(s, "text", variant, n, length);
            one_variant(s, "text\r\n", variant, n, length);
        }
    }
}

static void series_task(void *arg)
{
    struct series *s = arg;
    struct addr to = house_address(0);
    if (stream_connect(&to, rt_now() + PATIENCE, &s->stream) < 0 || get(s) != 220) {
        fatal("no greeting");
    }
    put(s, "EHLO client.example\r\n", 21);
    get(s);
    all_variants(s);
    put(s, "QUIT\r\n", 6);
    get(s);
    stream_close(s->stream);
    buf_free(&s->in);
    s->done = true;
}

static unsigned long run(enum mode mode, bool chunking, unsigned leniency, bool sparing)
{
    static unsigned number;
    struct series s = {.mode = mode, .number = number++, .sparing = sparing};
    s.house = house_new(leniency + 1, conf_text, 1, false);
    s.hop = mail_hop_new(s.house);
    s.hop->chunking = chunking;
    s.hop->leniency = leniency;
    if (task_spawn(s.house->outside, rt_root_of(s.house->outside), series_task, &s) < 0) {
        fatal("no memory");
    }
    sim_run(s.house->sim, USEC_NEVER);
    if (!s.done) {
        fatal("the dialogue got stuck");
    }
    static const char *const names[] = {"DATA", "BDAT", "BDAT in two chunks"};
    printf("%s %s, hop %s leniency %u: %lu messages, %lu refused, %lu variants with a real end, "
           "%lu smuggled\n",
           s.smuggled == 0 ? "ok" : "not ok", names[mode], chunking ? "with BDAT," : "", leniency,
           s.messages, s.refused, s.real_ends, s.smuggled);
    unsigned long smuggled = s.smuggled + (s.messages == 0);
    mail_hop_free(s.hop);
    house_free(s.house);
    return smuggled;
}

int main(int argc, char **argv)
{
    bool sparing = argc > 1 && strcmp(argv[1], "spare") == 0 && getenv("GATEPOST_TEST_ALL") == NULL;
    static const unsigned leniencies[] = {HOP_LF_DOT_LF, HOP_LF_DOT_CRLF, HOP_CRLF_DOT_LF,
                                          HOP_CR_DOT_CR, 15};
    unsigned passed = 0, failed = 0;
    for (unsigned mode = 0; mode < MODE_COUNT; mode++) {
        for (unsigned i = 0; i < 5; i++) {
            for (unsigned chunking = 0; chunking < (mode == MODE_DATA ? 1u : 2u); chunking++) {
                bool ok = run((enum mode)mode, chunking, leniencies[i], sparing) == 0;
                passed += ok;
                failed += !ok;
            }
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
