/* TLS streams: what waits unread must be counted, and an end without close_notify is an end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "../sim/certificate.h"
#include "rt/sim.h"
#include "rt/stream.h"
#include "rt/tls.h"

static const struct addr here = {.family = ADDR_V4, .octets = {127, 0, 0, 1}, .port = 25};

struct talk {
    struct rt *rt;
    struct tls_context *server;
    struct tls_context *client;
    struct stream *accepted;
    bool bare_end; /* the client ends TCP without a close_notify */
    size_t pending_before;
    size_t pending_after;
    ssize_t at_end;
    bool done;
};

static void server_task(void *arg)
{
    struct talk *t = arg;
    struct stream *s;
    char buffer[100];
    usec_t deadline = rt_now() + 100 * USEC_SEC;
    assert_int_equal(tls_accept(t->server, t->accepted, deadline, &s), 0);
    /* Three records are there by then. */
    assert_int_equal(task_sleep(rt_now() + 10 * USEC_SEC), 0);
    t->pending_before = stream_pending(s);
    assert_int_equal(stream_read(s, buffer, 5, deadline), 5);
    assert_memory_equal(buffer, "first", 5);
    t->pending_after = stream_pending(s);
    size_t got = 0;
    while (got < 11) {
        ssize_t n = stream_read(s, buffer + got, 11 - got, deadline);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(buffer, "secondthird", 11);
    t->at_end = stream_read(s, buffer, sizeof buffer, deadline);
    stream_close(s);
    t->done = true;
}

static void client_task(void *arg)
{
    struct talk *t = arg;
    static const char *const words[] = {"first", "second", "third"};
    struct stream *under, *s;
    usec_t deadline = rt_now() + 100 * USEC_SEC;
    assert_int_equal(stream_connect(&here, deadline, &under), 0);
    static const struct tls_peer peer = {.name = "mx.example"};
    char why[100];
    assert_int_equal(tls_connect(t->client, under, &peer, deadline, &s, why, sizeof why), 0);
    for (int i = 0; i < 3; i++) {
        struct iovec iov = {(char *)(uintptr_t)words[i], strlen(words[i])};
        assert_int_equal(stream_write(s, &iov, 1, deadline, NULL), 0);
    }
    assert_int_equal(task_sleep(rt_now() + 20 * USEC_SEC), 0);
    if (t->bare_end) {
        stream_end_writing(under);
        assert_int_equal(task_sleep(rt_now() + 20 * USEC_SEC), 0);
    }
    stream_close(s);
}

static void on_accept(void *arg, struct stream *s, const struct addr *client,
                      const struct addr *local)
{
    (void)client;
    (void)local;
    struct talk *t = arg;
    t->accepted = s;
    assert_int_equal(task_spawn(t->rt, rt_root_of(t->rt), server_task, t), 0);
}

static void run(struct talk *t)
{
    char cert[64], key[64], why[256];
    snprintf(cert, sizeof cert, "/tmp/gatepost-tls-%d.pem", (int)getpid());
    snprintf(key, sizeof key, "/tmp/gatepost-tls-%d.key", (int)getpid());
    certificate_make(cert, key);
    assert_int_equal(tls_context_server(cert, key, &t->server, why, sizeof why), 0);
    unlink(cert);
    unlink(key);
    t->client = tls_context_client();
    struct sim *sim = sim_new(7);
    struct rt *outside = sim_rt(sim);
    t->rt = sim_rt(sim);
    struct sim_listener *l = sim_listen(t->rt, &here, on_accept, t);
    assert_int_equal(task_spawn(outside, rt_root_of(outside), client_task, t), 0);
    sim_run(sim, USEC_NEVER);
    assert_true(t->done);
    sim_listener_free(l);
    sim_rt_free(t->rt);
    sim_rt_free(outside);
    sim_free(sim);
    tls_context_free(t->server);
    tls_context_free(t->client);
}

/* The ledger rests on this bound: what was pipelined shows nothing about a reply that came later.
 */
static void test_pending_counts_records(void **state)
{
    (void)state;
    struct talk t = {0};
    run(&t);
    assert_true(t.pending_before >= 16);
    assert_true(t.pending_after >= 11);
    assert_int_equal(t.at_end, 0);
}

static void test_end_without_close_notify(void **state)
{
    (void)state;
    struct talk t = {.bare_end = true};
    run(&t);
    assert_int_equal(t.at_end, 0);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct tls_context *c = NULL;
    char why[256];
    assert_int_equal(
        tls_context_server("/nonexistent/cert.pem", "/nonexistent/key.pem", &c, why, sizeof why),
        -EINVAL);
    assert_string_equal(why, "/nonexistent/cert.pem: No such file or directory");
}

/* Writes a new key, encrypted where there is a pass phrase. */
static void write_key(const char *file, const char *type, const char *pass_phrase)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, type);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, pass_phrase != NULL ? EVP_aes_128_cbc() : NULL,
                                          NULL, 0, NULL, (void *)(uintptr_t)pass_phrase),
                     1);
    assert_int_equal(fclose(f), 0);
    EVP_PKEY_free(key);
}

/* Each is told so that it can be mended, and nobody is asked for a pass phrase. */
static void test_wrong_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/gatepost-tls-XXXXXX";
    char cert[64], key[64], other[64], why[256];
    struct tls_context *c = NULL;
    const struct {
        const char *type, *pass_phrase, *why;
    } keys[] = {
        {"ED25519", NULL, "this is not the certificate's key"},
        {"ED448", NULL, "this is not the certificate's key"},
        {"ED25519", "secret",
         "the key is encrypted, and nobody is there to be asked for the pass phrase"},
    };
    assert_non_null(mkdtemp(folder));
    snprintf(cert, sizeof cert, "%s/cert", folder);
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    certificate_make(cert, key);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        write_key(other, keys[i].type, keys[i].pass_phrase);
        assert_int_equal(tls_context_server(cert, other, &c, why, sizeof why), -EINVAL);
        assert_string_equal(why + strlen(other) + 2, keys[i].why);
    }
    certificate_make(other, key); /* of the same kind, but another one's */
    assert_int_equal(tls_context_server(cert, key, &c, why, sizeof why), -EINVAL);
    assert_string_equal(why + strlen(key) + 2, "this is not the certificate's key");
    assert_int_equal(tls_context_server(cert, cert, &c, why, sizeof why), -EINVAL);
    assert_string_equal(why + strlen(cert) + 2, "no private key in PEM is in it");
    assert_int_equal(tls_context_server(key, key, &c, why, sizeof why), -EINVAL);
    assert_string_equal(why + strlen(key) + 2, "no certificate in PEM is in it");
    assert_int_equal(tls_context_server(other, key, &c, why, sizeof why), 0);
    tls_context_free(c);
    unlink(cert);
    unlink(key);
    unlink(other);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pending_counts_records),
        cmocka_unit_test(test_end_without_close_notify),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_wrong_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
