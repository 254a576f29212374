/* TLS as a client: whom it trusts, what it remembers, and what it says went wrong. */
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

#include <openssl/ssl.h>

#include "../sim/certificate.h"
#include "rt/sim.h"
#include "rt/stream.h"
#include "rt/tls.h"
#include "rt/tls_impl.h"

#define NAME "hop.site.example"

static const struct addr here = {.family = ADDR_V4, .octets = {127, 0, 0, 1}, .port = 25};

enum server_kind { SERVER_TLS, SERVER_SILENT, SERVER_CLOSES, SERVER_RESETS, SERVER_TALKS };

/* A server for any number of handshakes, one after the other. */
struct world {
    char ca_file[64], cert[64], key[64];
    struct certificate_authority *ca;
    struct sim *sim;
    struct rt *rt, *outside;
    struct sim_listener *listener;
    struct tls_context *server;
    enum server_kind kind;
    char heard_name[64]; /* the last SNI */

    struct tls_context *client;
    struct tls_peer peer;
    usec_t time; /* for the handshake */
    unsigned rounds;
    usec_t pause; /* between them */
    bool abort;   /* the client resets its connections */

    /* Of the last round. */
    int error;
    char why[100];
    char version[20];
    unsigned resumed;
    usec_t took;
};

/* ---- the server ---- */

struct accepted {
    struct world *w;
    struct stream *s;
};

static void server_task(void *arg)
{
    struct accepted *a = arg;
    struct world *w = a->w;
    struct stream *s = a->s;
    usec_t deadline = rt_now() + 1000 * USEC_SEC;
    char buffer[600];
    if (w->kind == SERVER_TLS) {
        if (tls_accept(w->server, a->s, deadline, &s) == 0) {
            struct iovec iov = {(char *)"hello", 5};
            assert_int_equal(stream_write(s, &iov, 1, deadline, NULL), 0);
        } else {
            s = a->s;
        }
    } else if (w->kind == SERVER_TALKS) {
        struct iovec iov = {(char *)"220 hello\r\n", 11};
        (void)stream_write(s, &iov, 1, deadline, NULL);
    }
    if (w->kind != SERVER_CLOSES && w->kind != SERVER_RESETS) {
        while (stream_read(s, buffer, sizeof buffer, deadline) > 0) {
        }
    }
    s->ops->close(s, w->kind == SERVER_RESETS);
    free(a);
}

static void on_accept(void *arg, struct stream *s, const struct addr *client,
                      const struct addr *local)
{
    struct world *w = arg;
    struct accepted *a = calloc(1, sizeof *a);
    (void)client;
    (void)local;
    *a = (struct accepted){w, s};
    assert_int_equal(task_spawn(w->outside, rt_root_of(w->outside), server_task, a), 0);
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
    struct world *w = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    snprintf(w->heard_name, sizeof w->heard_name, "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the client ---- */

static void one_round(struct world *w)
{
    struct stream *under, *s;
    char buffer[5];
    assert_int_equal(stream_connect(&here, rt_now() + USEC_SEC, &under), 0);
    usec_t began = rt_now();
    w->error = tls_connect(w->client, under, &w->peer, began + w->time, &s, w->why, sizeof w->why);
    w->took = rt_now() - began;
    if (w->error < 0) {
        stream_close(under);
        return;
    }
    /* A ticket comes in front of this. */
    assert_int_equal(stream_read(s, buffer, 5, rt_now() + USEC_SEC), 5);
    w->resumed += tls_resumed(s);
    snprintf(w->version, sizeof w->version, "%s", tls_version(s));
    s->ops->close(s, w->abort);
}

static void client_task(void *arg)
{
    struct world *w = arg;
    for (unsigned i = 0; i < w->rounds; i++) {
        one_round(w);
        task_sleep(rt_now() + w->pause);
    }
}

/* ---- a world ---- */

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->ca_file, sizeof w->ca_file, "/tmp/gatepost-ca-%d.pem", (int)getpid());
    snprintf(w->cert, sizeof w->cert, "/tmp/gatepost-peer-%d.pem", (int)getpid());
    snprintf(w->key, sizeof w->key, "/tmp/gatepost-peer-%d.key", (int)getpid());
    w->ca = certificate_authority_new(w->ca_file);
    w->sim = sim_new(11);
    w->rt = sim_rt(w->sim);
    w->outside = sim_rt(w->sim);
    w->listener = sim_listen(w->outside, &here, on_accept, w);
    w->peer.name = NAME;
    w->time = 30 * USEC_SEC;
    w->rounds = 1;
    return w;
}

/* The server's certificate from now on. */
static void serve(struct world *w, const struct certificate_authority *by,
                  const struct certificate_wish *wish)
{
    char why[200];
    certificate_issue(by, wish, w->cert, w->key);
    tls_context_free(w->server);
    assert_int_equal(tls_context_server(w->cert, w->key, &w->server, why, sizeof why), 0);
    SSL_CTX_set_tlsext_servername_callback(w->server->ctx, on_name);
    SSL_CTX_set_tlsext_servername_arg(w->server->ctx, w);
}

static void trust(struct world *w, const char *file)
{
    char why[200];
    tls_context_free(w->client);
    assert_int_equal(tls_context_verifying(file, &w->client, why, sizeof why), 0);
}

static void shake(struct world *w)
{
    w->resumed = 0;
    w->why[0] = '\0';
    assert_int_equal(task_spawn(w->rt, rt_root_of(w->rt), client_task, w), 0);
    sim_run(w->sim, USEC_NEVER);
    assert_int_equal(rt_stats(w->rt)->tasks, 0);
}

static void world_free(struct world *w)
{
    unlink(w->ca_file);
    unlink(w->cert);
    unlink(w->key);
    certificate_authority_free(w->ca);
    sim_listener_free(w->listener);
    sim_rt_free(w->rt);
    sim_rt_free(w->outside);
    sim_free(w->sim);
    tls_context_free(w->server);
    tls_context_free(w->client);
    free(w);
}

static const struct certificate_wish good = {.name = NAME, .begins = -60, .expires = 3600};

/* ---- verification ---- */

static void test_verified(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, w->ca, &good);
    trust(w, w->ca_file);
    shake(w);
    assert_int_equal(w->error, 0);
    assert_string_equal(w->version, "TLSv1.3");
    assert_string_equal(w->heard_name, NAME);
    world_free(w);
}

struct verdict {
    bool by_itself;
    struct certificate_wish wish;
    const char *why; /* NULL: it is good */
};

/* RFC 9525: the subject's common name is no name, and "*" stands for a whole label. */
static void test_verdicts(void **state)
{
    (void)state;
    static const struct verdict verdicts[] = {
        {false, {NAME, NULL, -7200, -3600}, "certificate has expired"},
        {false, {NAME, NULL, 3600, 7200}, "certificate is not valid yet"},
        {false, {"other.example", NULL, -60, 3600}, "certificate is for another name"},
        {false, {"other.example", NAME, -60, 3600}, "certificate is for another name"},
        {false, {NULL, NAME, -60, 3600}, "certificate is for another name"},
        {true, {NAME, NULL, -60, 3600}, "certificate is self-signed"},
        {false, {"*.example", NULL, -60, 3600}, "certificate is for another name"},
        {false, {"*.site.example", NULL, -60, 3600}, NULL},
        {false, {"h*.site.example", NULL, -60, 3600}, "certificate is for another name"},
        {false, {"HOP.Site.Example", NULL, -60, 3600}, NULL},
    };
    struct world *w = world_new();
    trust(w, w->ca_file);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        const struct verdict *v = &verdicts[i];
        serve(w, v->by_itself ? NULL : w->ca, &v->wish);
        shake(w);
        assert_int_equal(w->error, v->why != NULL ? -EKEYREJECTED : 0);
        assert_string_equal(w->why, v->why != NULL ? v->why : "");
    }
    world_free(w);
}

static void test_unknown_issuer(void **state)
{
    (void)state;
    struct world *w = world_new();
    char other_file[80];
    snprintf(other_file, sizeof other_file, "%s.other", w->ca_file);
    struct certificate_authority *other = certificate_authority_new(other_file);
    serve(w, other, &good);
    trust(w, w->ca_file);
    shake(w);
    assert_int_equal(w->error, -EKEYREJECTED);
    assert_string_equal(w->why, "certificate of an issuer that is not trusted");
    unlink(other_file);
    certificate_authority_free(other);
    world_free(w);
}

/* A peer's own certificate, named as the one to be trusted. */
static void test_pinned(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        serve(w, by_itself ? NULL : w->ca, &good);
        trust(w, w->cert);
        shake(w);
        assert_int_equal(w->error, 0);
    }
    world_free(w);
}

static void test_system_store(void **state)
{
    (void)state;
    struct world *w = world_new();
    char why[200] = "";
    serve(w, w->ca, &good);
    setenv("SSL_CERT_FILE", w->ca_file, 1);
    trust(w, NULL);
    shake(w);
    unsetenv("SSL_CERT_FILE");
    assert_int_equal(w->error, 0);
    w->client = tls_context_free(w->client);
    assert_int_equal(tls_context_verifying("/nonexistent", &w->client, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "/nonexistent: "));
    assert_int_equal(tls_context_verifying(w->key, &w->client, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, w->key));
    world_free(w);
}

/* Opportunistic TLS takes them all. */
static void test_unverified(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, NULL, &(struct certificate_wish){"other.example", NULL, -7200, -3600});
    w->client = tls_context_client();
    w->peer.name = NULL;
    shake(w);
    assert_int_equal(w->error, 0);
    assert_string_equal(w->heard_name, "");
    world_free(w);
}

/* ---- sessions ---- */

static void test_resumed(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, w->ca, &good);
    trust(w, w->ca_file);
    w->peer.memory = tls_memory_new();
    w->rounds = 5;
    shake(w);
    assert_int_equal(w->resumed, 4);
    /* Without a memory each is a whole one. */
    w->peer.memory = tls_memory_free(w->peer.memory);
    shake(w);
    assert_int_equal(w->resumed, 0);
    world_free(w);
}

static void test_resumed_12(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, w->ca, &good);
    trust(w, w->ca_file);
    SSL_CTX_set_max_proto_version(w->server->ctx, TLS1_2_VERSION);
    w->peer.memory = tls_memory_new();
    w->rounds = 3;
    shake(w);
    assert_string_equal(w->version, "TLSv1.2");
    assert_int_equal(w->resumed, 2);
    tls_memory_free(w->peer.memory);
    world_free(w);
}

/* However often it is resumed: an hour after the certificates were looked at they are again. */
static void test_session_gets_old(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, w->ca, &good);
    trust(w, w->ca_file);
    w->peer.memory = tls_memory_new();
    w->pause = 25 * 60 * USEC_SEC;
    w->rounds = 6; /* 0:00, 0:25 r, 0:50 r, 1:15, 1:40 r, 2:05 r */
    shake(w);
    assert_int_equal(w->resumed, 4);
    tls_memory_free(w->peer.memory);
    world_free(w);
}

/* A session that broke off is not trusted to be resumed; a handshake that failed forgets it. */
static void test_session_dropped(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, w->ca, &good);
    trust(w, w->ca_file);
    w->peer.memory = tls_memory_new();
    w->rounds = 2;
    w->abort = true;
    shake(w);
    assert_int_equal(w->error, 0);
    w->abort = false;
    w->kind = SERVER_CLOSES;
    shake(w);
    assert_null(w->peer.memory->session);
    tls_memory_free(w->peer.memory);
    world_free(w);
}

/* ---- failures ---- */

static void test_minimum(void **state)
{
    (void)state;
    struct world *w = world_new();
    serve(w, w->ca, &good);
    trust(w, w->ca_file);
    SSL_CTX_set_max_proto_version(w->server->ctx, TLS1_2_VERSION);
    w->peer.only_tls13 = true;
    shake(w);
    assert_int_equal(w->error, -EPROTO);
    assert_string_not_equal(w->why, "");
    SSL_CTX_set_max_proto_version(w->server->ctx, 0);
    shake(w);
    assert_int_equal(w->error, 0);
    /* Nor does anybody speak TLS 1.1. */
    w->peer.only_tls13 = false;
    SSL_CTX_set_min_proto_version(w->server->ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(w->server->ctx, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(w->server->ctx, "ALL:@SECLEVEL=0");
    shake(w);
    assert_int_equal(w->error, -EPROTO);
    world_free(w);
}

static void test_not_tls(void **state)
{
    (void)state;
    static const struct {
        enum server_kind kind;
        int error;
        const char *why;
    } cases[] = {
        {SERVER_SILENT, -ETIMEDOUT, "handshake took too long"},
        {SERVER_CLOSES, -ECONNRESET, "connection lost in the handshake"},
        {SERVER_RESETS, -ECONNRESET, "connection lost in the handshake"},
        {SERVER_TALKS, -EPROTO, "wrong version number"},
    };
    struct world *w = world_new();
    w->client = tls_context_client();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        w->kind = cases[i].kind;
        shake(w);
        assert_int_equal(w->error, cases[i].error);
        assert_string_equal(w->why, cases[i].why);
        assert_true(w->took <= w->time);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verified),         cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_unknown_issuer),   cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_system_store),     cmocka_unit_test(test_unverified),
        cmocka_unit_test(test_resumed),          cmocka_unit_test(test_resumed_12),
        cmocka_unit_test(test_session_gets_old), cmocka_unit_test(test_session_dropped),
        cmocka_unit_test(test_minimum),          cmocka_unit_test(test_not_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
