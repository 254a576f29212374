/* The resolver: the simulated world's table in virtual time, and libunbound on a real loop with a
 * pretended DNS server on a port of its own, which answers by what the name asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "client/resolver.h"
#include "rt/real.h"
#include "rt/sim.h"

/* What a lookup came to, in one line: addresses, or an error. */
static const char *look_up(struct resolver *r, const char *host, usec_t deadline)
{
    static char text[256];
    struct addr found[8];
    size_t n = 99;
    int rc = resolver_addresses(r, host, deadline, found, 8, &n);
    strcpy(text, rc == -ENOENT       ? "none"
                 : rc == -EAGAIN     ? "fails"
                 : rc == -ETIMEDOUT  ? "late"
                 : rc == -ECANCELED  ? "cancelled"
                 : rc < 0 || n == 99 ? "?"
                                     : "");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char address[ADDR_TEXT_MAX];
        strcat(text, i > 0 ? " " : "");
        strcat(text, addr_format(&found[i], address));
    }
    assert_int_equal(rc == 0, n > 0 && n <= 8);
    return text;
}

/* ---- the table ---- */

struct lookup_task {
    struct resolver *resolver;
    const char *host;
    usec_t deadline;
    char result[256];
};

static void lookup_task(void *arg)
{
    struct lookup_task *t = arg;
    strcpy(t->result, look_up(t->resolver, t->host, t->deadline));
}

static void table_task(void *arg)
{
    struct rt *rt = arg;
    struct resolver *r =
        resolver_of_table(rt, SLICE_LIT("192.0.2.1 mail.example.org\n2001:db8::1 mail.example.org\n"
                                        "fails broken.example.org\nsilent mute.example.org\n"));
    usec_t began = rt_now();
    assert_string_equal(look_up(r, "Mail.Example.org", USEC_NEVER), "2001:db8::1 192.0.2.1");
    assert_string_equal(look_up(r, "no.example.org", USEC_NEVER), "none");
    assert_string_equal(look_up(r, "broken.example.org", USEC_NEVER), "fails");
    assert_string_equal(look_up(r, "not a name", USEC_NEVER), "none");
    assert_string_equal(look_up(r, "192.0.2.1", USEC_NEVER), "none");
    assert_string_equal(look_up(r, "", USEC_NEVER), "none");
    assert_int_equal(rt_now(), began);
    assert_string_equal(look_up(r, "mute.example.org", began + 30 * USEC_SEC), "late");
    assert_int_equal(rt_now(), began + 30 * USEC_SEC);

    struct lookup_task t = {r, "mute.example.org", USEC_NEVER, ""};
    struct scope scope;
    scope_enter(&scope);
    assert_int_equal(task_spawn(rt, &scope, lookup_task, &t), 0);
    assert_int_equal(task_yield(), 0);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    assert_string_equal(t.result, "cancelled");

    resolver_set_table(r, SLICE_LIT("192.0.2.9 mail.example.org"));
    assert_string_equal(look_up(r, "mail.example.org", USEC_NEVER), "192.0.2.9");
    assert_string_equal(look_up(r, "mute.example.org", USEC_NEVER), "none");
    struct addr one;
    size_t n = 7;
    assert_int_equal(resolver_addresses(r, "mail.example.org", USEC_NEVER, &one, 0, &n), -ENOENT);
    assert_int_equal(n, 7);
    assert_int_equal(resolver_stats(r)->lookups, 11);
    assert_int_equal(resolver_stats(r)->asked, 0);
    assert_null(resolver_free(r));
    assert_null(resolver_free(NULL));
}

static void simulated(void **state)
{
    (void)state;
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    assert_int_equal(task_spawn(rt, rt_root_of(rt), table_task, rt), 0);
    sim_run(sim, USEC_NEVER);
    sim_rt_free(rt);
    sim_free(sim);
}

/* ---- a pretended server ---- */

/* "both.test" has both, "four.test" A only, "six.test" AAAA only, "nodata.test" neither,
 * "fail.test" SERVFAIL, "half.test" A and SERVFAIL for AAAA, "slow.test" no answer for AAAA,
 * "mute.test" none at all, "junk.test" an answer cut short, "many.test" 40 of each; all else does
 * not exist. */
static bool is(const char *name, const char *expected)
{
    return strcmp(name, expected) == 0;
}

static size_t put_record(uint8_t *p, unsigned type, unsigned last)
{
    static const uint8_t head4[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2};
    static const uint8_t head6[] = {0xc0, 12,   0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1,
                                    0x0d, 0xb8, 0, 0,  0, 0, 0, 0, 0, 0,  0, 0,  0};
    size_t n = type == 1 ? sizeof(head4) : sizeof(head6);
    memcpy(p, type == 1 ? head4 : head6, n);
    p[n] = (uint8_t)last;
    return n + 1;
}

/* The answer to the question of `n` octets, behind it in `p`; 0: none. */
static size_t reply_to(uint8_t *p, size_t n)
{
    char name[300] = "";
    size_t at = 12;
    while (at < n && p[at] != 0) {
        strncat(name, at > 12 ? "." : "", 2);
        strncat(name, (const char *)p + at + 1, p[at]);
        at += p[at] + 1u;
    }
    unsigned type = (unsigned)p[at + 1] << 8 | p[at + 2];
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    bool four = type == 1, six = type == 28;
    unsigned rcode = 0, records = 0;
    if (is(name, "mute.test") || (is(name, "slow.test") && six)) {
        return 0;
    }
    if (is(name, "both.test") || (is(name, "four.test") && four) || (is(name, "six.test") && six) ||
        ((is(name, "half.test") || is(name, "slow.test")) && four)) {
        records = 1;
    } else if (is(name, "many.test")) {
        records = 40;
    } else if (is(name, "fail.test") || is(name, "half.test")) {
        rcode = 2;
    } else if (!is(name, "four.test") && !is(name, "six.test") && !is(name, "nodata.test") &&
               !is(name, "junk.test")) {
        rcode = 3;
    }
    p[2] = 0x85;
    p[3] = (uint8_t)(0x80 | rcode);
    memset(p + 6, 0, 6);
    p[7] = (uint8_t)(is(name, "junk.test") ? 3 : records);
    size_t end = at + 5;
    for (unsigned i = 0; i < records; i++) {
        end += put_record(p + end, type, i + 1);
    }
    return end;
}

static void serve_for_ever(int fd)
{
    for (;;) {
        uint8_t p[4096];
        struct sockaddr_storage from;
        socklen_t from_n = sizeof(from);
        ssize_t n = recvfrom(fd, p, 512, 0, (struct sockaddr *)&from, &from_n);
        size_t answer = n > 12 ? reply_to(p, (size_t)n) : 0;
        if (answer > 0) {
            (void)sendto(fd, p, answer, 0, (struct sockaddr *)&from, from_n);
        }
    }
}

static pid_t server;
static struct addr server_at;

static int start_server(void **state)
{
    (void)state;
    struct sockaddr_storage at;
    socklen_t n = sizeof(at);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) < 0) {
        return -1;
    }
    server_at = addr_from_sockaddr(&at);
    fflush(NULL);
    server = fork();
    if (server == 0) {
        alarm(100);
        serve_for_ever(fd);
    }
    close(fd);
    return server < 0 ? -1 : 0;
}

static int stop_server(void **state)
{
    (void)state;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}

/* ---- libunbound ---- */

struct real_world {
    struct rt *rt;
    struct resolver *resolver;
    volatile bool stop;
};

static void tell(void *arg, const char *line)
{
    buf_printf(arg, "%s\n", line);
}

static void in_real_world(const char *hosts, void (*fn)(void *arg))
{
    struct real_world w = {.rt = real_new()};
    struct resolver_setup setup = {
        .way = CONF_RESOLVER_SERVERS, .hosts = hosts, .servers = &server_at, .server_count = 1};
    struct buf told = {0};
    assert_int_equal(resolver_new(w.rt, &setup, tell, &told, &w.resolver), 0);
    assert_int_equal(told.n, 0);
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), fn, &w), 0);
    real_run(w.rt, &w.stop);
    resolver_free(w.resolver);
    real_free(w.rt);
    buf_free(&told);
}

static void end(struct real_world *w)
{
    w->stop = true;
    real_wake(w->rt);
}

static usec_t in(usec_t time)
{
    return rt_now() + time;
}

static void answers_task(void *arg)
{
    struct real_world *w = arg;
    struct resolver *r = w->resolver;
    usec_t soon = 20 * USEC_SEC;
    assert_string_equal(look_up(r, "both.test", in(soon)), "2001:db8::1 192.0.2.1");
    assert_string_equal(look_up(r, "four.test", in(soon)), "192.0.2.1");
    assert_string_equal(look_up(r, "six.test", in(soon)), "2001:db8::1");
    assert_string_equal(look_up(r, "nodata.test", in(soon)), "none");
    assert_string_equal(look_up(r, "nothing.test", in(soon)), "none");
    assert_string_equal(look_up(r, "fail.test", in(soon)), "fails");
    assert_string_equal(look_up(r, "junk.test", in(soon)), "fails");
    assert_string_equal(look_up(r, "half.test", in(soon)), "192.0.2.1");
    /* 8 fit; IPv6 fills them. */
    assert_non_null(strstr(look_up(r, "many.test", in(soon)), "2001:db8::"));
    assert_null(strstr(look_up(r, "many.test", in(soon)), "192.0.2."));
    assert_string_equal(look_up(r, "table.test", in(soon)), "192.0.2.77");
    assert_string_equal(look_up(r, "localhost", in(soon)), "::1 127.0.0.1");

    /* What was said a moment ago is not asked for again. */
    assert_int_equal(task_yield(), 0);
    usec_t began = rt_now();
    assert_string_equal(look_up(r, "BOTH.test", in(soon)), "2001:db8::1 192.0.2.1");
    assert_true(rt_now() - began < 100 * USEC_MSEC);
    assert_int_equal(resolver_stats(r)->under_way, 0);
    end(w);
}

static void answers(void **state)
{
    (void)state;
    char hosts[] = "/tmp/test_resolver.XXXXXX";
    int fd = mkstemp(hosts);
    assert_true(fd >= 0);
    static const char text[] = "192.0.2.77 table.test\nnonsense\n";
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    in_real_world(hosts, answers_task);
    unlink(hosts);
}

static void waiting_task(void *arg)
{
    struct real_world *w = arg;
    struct resolver *r = w->resolver;
    usec_t began = rt_now();
    /* One family's addresses do not wait for ever for the other's. */
    assert_string_equal(look_up(r, "slow.test", in(20 * USEC_SEC)), "192.0.2.1");
    assert_true(rt_now() - began >= 400 * USEC_MSEC);
    assert_true(rt_now() - began < 5 * USEC_SEC);

    began = rt_now();
    assert_string_equal(look_up(r, "mute.test", in(300 * USEC_MSEC)), "late");
    assert_true(rt_now() - began < 5 * USEC_SEC);
    assert_string_equal(look_up(r, "both.test", rt_now()), "late");

    /* Two that want the same, of which one gives up. */
    struct lookup_task t[] = {{r, "mute.test", USEC_NEVER, ""}, {r, "both.test", USEC_NEVER, ""}};
    struct scope scope;
    scope_enter(&scope);
    assert_int_equal(task_spawn(w->rt, &scope, lookup_task, &t[0]), 0);
    assert_int_equal(task_spawn(w->rt, &scope, lookup_task, &t[1]), 0);
    assert_int_equal(task_sleep(in(200 * USEC_MSEC)), 0);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    assert_string_equal(t[0].result, "cancelled");
    assert_string_equal(t[1].result, "2001:db8::1 192.0.2.1");
    assert_true(resolver_stats(r)->under_way > 0); /* and its end frees them */
    end(w);
}

static void waiting(void **state)
{
    (void)state;
    in_real_world(NULL, waiting_task);
}

static void gone_task(void *arg)
{
    struct real_world *w = arg;
    assert_string_equal(look_up(w->resolver, "both.test", in(USEC_SEC)), "late");
    end(w);
}

static void server_gone(void **state)
{
    (void)state;
    struct addr there = server_at;
    server_at.port = 1; /* nobody is there */
    in_real_world("/nonexistent", gone_task);
    server_at = there;
}

/* ---- resolv.conf ---- */

static void told_of(const char *resolv_conf, const char *expected)
{
    char file[] = "/tmp/test_resolver.XXXXXX", line[200];
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, resolv_conf, strlen(resolv_conf)), strlen(resolv_conf));
    close(fd);
    struct rt *rt = real_new();
    struct resolver *r = NULL;
    struct buf told = {0};
    struct resolver_setup setup = {.way = CONF_RESOLVER_SYSTEM, .resolv_conf = file};
    assert_int_equal(resolver_new(rt, &setup, tell, &told, &r), 0);
    buf_append(&told, "", 1);
    snprintf(line, sizeof(line), expected, file, file);
    assert_string_equal(told.p, line);
    resolver_free(r);
    real_free(rt);
    buf_free(&told);
    unlink(file);
}

static void resolv_confs(void **state)
{
    (void)state;
    told_of("nameserver 192.0.2.53\nnameserver 2001:db8::53\n", "");
    told_of("nameserver fe80::1%eth0\nnameserver ::1\n",
            "%s: nameserver fe80::1%%eth0 is not used\n");
    told_of("search example.org\n", "%s: names no server; the one at 127.0.0.1 is asked\n");
    struct rt *rt = real_new();
    struct resolver *r = NULL;
    struct buf told = {0};
    struct resolver_setup setup = {.way = CONF_RESOLVER_SYSTEM,
                                   .resolv_conf = "/nonexistent/resolv.conf",
                                   .hosts = "/nonexistent"};
    assert_int_equal(resolver_new(rt, &setup, tell, &told, &r), 0);
    buf_append(&told, "", 1);
    assert_string_equal(told.p,
                        "/nonexistent/resolv.conf: No such file or directory\n"
                        "/nonexistent/resolv.conf: names no server; the one at 127.0.0.1 is "
                        "asked\n");
    resolver_free(r);
    real_free(rt);
    buf_free(&told);
}

/* ---- no DNS ---- */

/* A file with this text, which the test unlinks. */
static char *file_of(const char *text)
{
    static char name[] = "/tmp/test_resolver.XXXXXX";
    strcpy(name, "/tmp/test_resolver.XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return name;
}

static void without_dns_task(void *arg)
{
    struct real_world *w = arg;
    assert_string_equal(look_up(w->resolver, "table.test", in(USEC_SEC)), "192.0.2.77");
    assert_string_equal(look_up(w->resolver, "both.test", in(USEC_SEC)), "none");
    assert_int_equal(resolver_stats(w->resolver)->asked, 0);
    end(w);
}

static void without_dns(void **state)
{
    (void)state;
    struct real_world w = {.rt = real_new()};
    char *hosts = file_of("192.0.2.77 table.test\n");
    struct resolver_setup setup = {.way = CONF_RESOLVER_NONE, .hosts = hosts};
    assert_int_equal(resolver_new(w.rt, &setup, tell, NULL, &w.resolver), 0);
    assert_false(resolver_has_dns(w.resolver));
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), without_dns_task, &w), 0);
    real_run(w.rt, &w.stop);
    resolver_free(w.resolver);
    real_free(w.rt);
    unlink(hosts);
}

/* ---- files about the root ---- */

static void root_files(void **state)
{
    (void)state;
    static const struct {
        bool anchor;
        const char *text;
        const char *why;
    } rows[] = {
        {true,
         ". IN DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n",
         NULL},
        {true, "", "it holds no key (DNSKEY or DS records)"},
        {true, "; . IN DS 20326 8 2 e06d\n", "it holds no key (DNSKEY or DS records)"},
        {true, ". IN DS 1 2 3 zz\n", "it holds no key (DNSKEY or DS records)"},
        {false, ". 60 NS a.root.test.\na.root.test. 60 A 127.5.0.1\n", NULL},
        {false, "# nothing\n", "it names no server of the root with an address"},
        {false, "nonsense NS\n", "it names no server of the root with an address"},
        {false, ". 60 NS a.root.test.\n", "it names no server of the root with an address"},
        {false, "x. 60 NS a.\na. 60 A 127.5.0.1\n",
         "it names no server of the root with an address"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *file = file_of(rows[i].text);
        const char *culprit = NULL, *why = NULL;
        const struct resolver_setup setup = {.way = CONF_RESOLVER_RECURSIVE,
                                             .trust_anchor = rows[i].anchor ? file : NULL,
                                             .root_hints = rows[i].anchor ? NULL : file};
        int rc = resolver_check(&setup, &culprit, &why);
        assert_int_equal(rc, rows[i].why == NULL ? 0 : -EINVAL);
        if (rc < 0) {
            assert_ptr_equal(culprit, file);
            assert_string_equal(why, rows[i].why);
        }
        unlink(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_dns),  cmocka_unit_test(root_files), cmocka_unit_test(simulated),
        cmocka_unit_test(answers),      cmocka_unit_test(waiting),    cmocka_unit_test(server_gone),
        cmocka_unit_test(resolv_confs),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
