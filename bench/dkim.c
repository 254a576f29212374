/* What DKIM costs: hashing a message while it goes past, against SHA-256 alone over the same
 * octets, and one verification with its key record, for each kind of key. CPU time of this process.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "auth/signature.h"
#include "auth/signed_message.h"
#include "base/buf.h"
#include "base/fatal.h"

#define BODY   (1024 * 1024)
#define PIECE  4096 /* as a session reads */
#define ROUNDS 100
#define CHECKS 1000

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- hashing ---- */

static const struct {
    const char *name, *lines;
} bodies[] = {
    {"prose",
     "The quick brown fox jumps over the lazy dog, and then it goes on for a while.\r\n"
     "It comes back, and finds that the dog has gone; this is how most mail reads.\r\n\r\n"},
    {"patch", "+\tif (page_table_lock(mm,  address) == 0)\r\n+\t\treturn  -EINVAL;\r\n"
              "-\t\tspin_unlock(&mm->lock); \r\n \t}\r\n"},
    {"base64", "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZywgYW5kIHRoZW4gaXQg\r\n"},
};

static double alone(const struct buf *body)
{
    struct digest_stream *stream = digest_stream_new();
    const double began = seconds();

    for (int i = 0; i < ROUNDS; i++) {
        digest_stream_init(stream);
        for (size_t at = 0; at < body->n; at += PIECE) {
            digest_stream_update(stream, body->p + at, PIECE);
        }
        (void)digest_stream_finish(stream);
    }
    const double took = seconds() - began;
    digest_stream_free(stream);
    return took / ROUNDS / ((double)body->n / 1024) * 1e6;
}

static double hashed(const struct buf *body, const char *canonical)
{
    struct buf header = {0};
    struct arena arena;

    buf_printf(&header,
               "DKIM-Signature: v=1; a=rsa-sha256; c=simple/%s; d=example.org; s=sel; h=from; "
               "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
               "From: a@example.org\r\n\r\n",
               canonical);
    arena_init(&arena);
    const double began = seconds();
    for (int i = 0; i < ROUNDS; i++) {
        struct signed_message *m = signed_message_new(&arena);
        signed_message_feed(m, header.p, header.n);
        for (size_t at = 0; at < body->n; at += PIECE) {
            signed_message_feed(m, body->p + at, PIECE);
        }
        signed_message_end(m);
        signed_message_free(m);
        arena_reset(&arena);
    }
    const double took = seconds() - began;
    arena_free(&arena);
    buf_free(&header);
    return took / ROUNDS / ((double)body->n / 1024) * 1e6;
}

static void measure_hashing(void)
{
    printf("hashing a body, in us per KiB:\n%10s %14s %14s %14s\n", "", "SHA-256 alone", "c=simple",
           "c=relaxed");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct buf body = {0};
        while (body.n < BODY) {
            buf_printf(&body, "%s", bodies[i].lines);
        }
        body.n = BODY;
        const double base = alone(&body);
        printf("%10s %14.3f %14.3f %14.3f\n", bodies[i].name, base, hashed(&body, "simple"),
               hashed(&body, "relaxed"));
        buf_free(&body);
    }
}

/* ---- verifying ---- */

static void append_base64(struct buf *b, const unsigned char *p, size_t n)
{
    b->n += (size_t)EVP_EncodeBlock((unsigned char *)buf_reserve(b, n * 2), p, (int)n);
}

/* A key record, and a signature over the digest. */
static void sign(EVP_PKEY *key, bool is_rsa, const struct digest *d, struct buf *record,
                 struct dkim_signature *s)
{
    unsigned char raw[32], *der = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t n = sizeof(raw);
    bool good;

    s->signature_count = sizeof(s->signature);
    buf_printf(record, "v=DKIM1; k=%s; p=", is_rsa ? "rsa" : "ed25519");
    if (is_rsa) {
        const int length = i2d_PUBKEY(key, &der);
        append_base64(record, der, (size_t)length);
        good = EVP_PKEY_sign_init(context) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
               EVP_PKEY_sign(context, s->signature, &s->signature_count, d->octets,
                             sizeof(d->octets)) == 1;
        OPENSSL_free(der);
    } else {
        good = EVP_PKEY_get_raw_public_key(key, raw, &n) == 1 &&
               EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(md, s->signature, &s->signature_count, d->octets,
                              sizeof(d->octets)) == 1;
        append_base64(record, raw, n);
    }
    if (!good) {
        fatal("cannot sign");
    }
    EVP_MD_CTX_free(md);
    EVP_PKEY_CTX_free(context);
}

static void measure_key(const char *name, EVP_PKEY *key)
{
    const bool is_rsa = EVP_PKEY_is_a(key, "RSA");
    struct dkim_signature s = {.algorithm = is_rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256};
    const struct digest d = {{1, 2, 3}};
    struct buf record = {0};
    struct signature_verdict v;

    sign(key, is_rsa, &d, &record, &s);
    const struct dns_record txt = {.text = buf_slice(&record)};
    const struct dns_answer answer = {.state = DNS_ANSWER, .records = &txt, .count = 1};
    const double began = seconds();
    for (int i = 0; i < CHECKS; i++) {
        signature_verify(&s, &answer, &d, &v);
        if (v.result != AUTH_PASS) {
            fatal("%s: %s", name, v.problem);
        }
    }
    printf("%14s %8.1f us\n", name, (seconds() - began) / CHECKS * 1e6);
    buf_free(&record);
    EVP_PKEY_free(key);
}

int main(void)
{
    measure_hashing();
    printf("a verification, with its key's record:\n");
    measure_key("RSA 1,024", EVP_RSA_gen(1024U));
    measure_key("RSA 2,048", EVP_RSA_gen(2048U));
    measure_key("RSA 4,096", EVP_RSA_gen(4096U));
    measure_key("Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    return 0;
}
