/* Hostile servers, through libunbound: what they say comes to an answer, or to none, within the
 * deadline, whatever it is. A pretended server answers by UDP and TCP as the name asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/octets.h"
#include "client/resolver.h"
#include "rt/real.h"

/* ---- the pretended server ---- */

#define MESSAGE_MOST 65535

struct reply {
    uint8_t p[MESSAGE_MOST];
    size_t n;
    size_t question; /* octets of the question, behind the header's 12 */
    unsigned answers;
    bool tcp;
};

static void put(struct reply *r, const void *p, size_t n)
{
    if (n <= sizeof(r->p) - r->n) {
        memcpy(r->p + r->n, p, n);
        r->n += n;
    }
}
#define PUT(r, text) put(r, text, sizeof(text) - 1)

/* A record of the question's name. */
static void put_record(struct reply *r, unsigned type, const void *data, size_t n)
{
    uint8_t head[12] = {0xc0, 12, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0, 0, 60};
    octets_put(head + 10, 2, n);
    put(r, head, sizeof(head));
    put(r, data, n);
    r->answers++;
}

static void put_address(struct reply *r)
{
    put_record(r, DNS_A, "\300\0\2\1", 4);
}

static void reply_ok(struct reply *r)
{
    put_address(r);
}

static void reply_wrong_id(struct reply *r)
{
    put_address(r);
    r->p[0] ^= 0x55;
    r->p[1] ^= 0xaa;
}

static void reply_wrong_name(struct reply *r)
{
    put_address(r);
    r->p[13] ^= 1; /* the first letter of the question */
}

static void reply_wrong_type(struct reply *r)
{
    put_record(r, DNS_AAAA, "0123456789abcdef", 16);
}

/* An answer whose name is a pointer to itself. */
static void reply_pointer(struct reply *r)
{
    uint8_t pointer[2] = {(uint8_t)(0xc0 | r->n >> 8), (uint8_t)r->n};
    put(r, pointer, 2);
    PUT(r, "\0\1\0\1\0\0\0\74\0\4\300\0\2\1");
    r->answers++;
}

static void reply_self(struct reply *r)
{
    put_record(r, DNS_CNAME, "\300\14", 2);
}

/* Thirty CNAMEs, each to the next, and the address of the last; who asks for one of these names
 * gets thirty more. */
static void reply_chain(struct reply *r)
{
    size_t owner = 12;
    for (unsigned i = 0; i < 30; i++) {
        uint8_t head[12] = {
            (uint8_t)(0xc0 | owner >> 8), (uint8_t)owner, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4};
        uint8_t target[4] = {1, (uint8_t)('a' + i % 26), 0xc0, 12};
        put(r, head, sizeof(head));
        owner = r->n;
        target[1] = (uint8_t)(i < 26 ? 'a' + i : '0' + i - 26);
        put(r, target, sizeof(target));
        r->answers++;
    }
    uint8_t head[12] = {
        (uint8_t)(0xc0 | owner >> 8), (uint8_t)owner, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
    put(r, head, sizeof(head));
    PUT(r, "\300\0\2\1");
    r->answers++;
}

/* Each name of it leads to a longer one. */
static void reply_endless(struct reply *r)
{
    put_record(r, DNS_CNAME, "\1x\300\14", 4);
}

static void reply_counts(struct reply *r)
{
    put_address(r);
    r->answers = 65535;
}

static void reply_cut(struct reply *r)
{
    put_address(r);
    r->n -= 3;
}

static void reply_noise(struct reply *r)
{
    for (size_t i = 12; i < 400; i++) {
        uint8_t c = (uint8_t)(i * 167 + 13);
        put(r, &c, 1);
    }
    r->answers = 7;
}

static void reply_tiny(struct reply *r)
{
    r->n = 5;
}

static void reply_no_text(struct reply *r)
{
    put_record(r, DNS_TXT, "", 0);
}

/* As much text as a message can hold. */
static void reply_huge(struct reply *r)
{
    static uint8_t data[65000 + 255];
    size_t n = 0;
    for (size_t i = 0; i < 254; i++) {
        data[n] = 255;
        memset(data + n + 1, 't', 255);
        n += 256;
    }
    put_record(r, DNS_TXT, data, n);
}

static void put_names(struct reply *r, unsigned count)
{
    uint8_t target[8] = {5, 'h', '0', '0', '0', '0', 0xc0, 12};
    for (unsigned i = 0; i < count; i++) {
        for (unsigned digit = 0, left = i; digit < 4; digit++, left /= 10) {
            target[5 - digit] = (uint8_t)('0' + left % 10);
        }
        put_record(r, DNS_PTR, target, sizeof(target));
    }
}

static void reply_ptrs(struct reply *r)
{
    put_names(r, 500);
}

static void reply_names(struct reply *r)
{
    put_names(r, 3000);
}

static void reply_thousands(struct reply *r)
{
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t address[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
        put_record(r, DNS_A, address, 4);
    }
}

static void reply_times(struct reply *r)
{
    put_address(r);
    memset(r->p + r->n - 10, 0xff, 4); /* a TTL of 136 years */
}

static void reply_refused(struct reply *r)
{
    r->p[3] = 0x85;
}

struct hostile_case {
    const char *name;
    enum dns_type type;
    void (*reply)(struct reply *r);
    const char *expected; /* states, or how many records of an answer */
};

static const struct hostile_case cases[] = {
    {"ok", DNS_A, reply_ok, "answer 1"},
    {"wrongid", DNS_A, reply_wrong_id, "timeout"},
    {"wrongname", DNS_A, reply_wrong_name, "servfail timeout"},
    {"wrongtype", DNS_A, reply_wrong_type, "nodata servfail timeout"},
    {"pointer", DNS_A, reply_pointer, "servfail timeout"},
    {"self", DNS_A, reply_self, "servfail timeout"},
    {"chain", DNS_A, reply_chain, "servfail timeout"},
    {"counts", DNS_A, reply_counts, "servfail timeout"},
    {"cut", DNS_A, reply_cut, "servfail timeout"},
    {"noise", DNS_A, reply_noise, "servfail timeout"},
    {"tiny", DNS_A, reply_tiny, "servfail timeout"},
    {"notext", DNS_TXT, reply_no_text, "servfail timeout"},
    {"huge", DNS_TXT, reply_huge, "answer 1"},
    {"ptrs", DNS_PTR, reply_ptrs, "answer 500"},
    {"names", DNS_PTR, reply_names, "servfail"}, /* written out they do not fit */
    {"thousands", DNS_A, reply_thousands, "answer 512"},
    {"endless", DNS_A, reply_endless, "servfail timeout"},
    {"times", DNS_A, reply_times, "answer 1"},
    {"refused", DNS_A, reply_refused, "servfail"},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* The answer to the question of `n` octets in r->p. */
static bool answer(struct reply *r, size_t n)
{
    char label[64] = "";
    size_t at = 12;
    while (at < n && r->p[at] != 0 && r->p[at] < sizeof(label)) {
        if (memcmp(r->p + at + r->p[at] + 1, "\4test", 6) == 0) { /* in front of "test" */
            memcpy(label, r->p + at + 1, r->p[at]);
        }
        at += r->p[at] + 1u;
    }
    if (at >= n || r->p[at] != 0) {
        return false;
    }
    r->n = at + 5;
    r->question = r->n - 12;
    r->answers = 0;
    r->p[2] = 0x85;
    r->p[3] = 0x80;
    memset(r->p + 6, 0, 6);
    for (size_t i = 0; i < CASES; i++) {
        if (strcasecmp(label, cases[i].name) == 0) {
            cases[i].reply(r);
        }
    }
    octets_put(r->p + 6, 2, r->answers);
    if (!r->tcp && r->n > 1232) { /* come again by TCP */
        r->p[2] |= 2;
        r->n = 12 + r->question;
        memset(r->p + 6, 0, 2);
    }
    return true;
}

static void serve_datagram(int fd)
{
    static struct reply r;
    struct sockaddr_storage from;
    socklen_t from_n = sizeof(from);
    ssize_t n = recvfrom(fd, r.p, 512, 0, (struct sockaddr *)&from, &from_n);
    r.tcp = false;
    if (n > 0 && answer(&r, (size_t)n)) {
        (void)sendto(fd, r.p, r.n, 0, (struct sockaddr *)&from, from_n);
    }
}

static void serve_connection(int listener)
{
    static struct reply r;
    uint8_t length[2];
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && recv(fd, length, 2, MSG_WAITALL) == 2 && octets_get(length, 2) <= 512 &&
        recv(fd, r.p, (size_t)octets_get(length, 2), MSG_WAITALL) > 0) {
        r.tcp = true;
        if (answer(&r, (size_t)octets_get(length, 2))) {
            octets_put(length, 2, r.n);
            (void)send(fd, length, 2, MSG_NOSIGNAL | MSG_MORE);
            (void)send(fd, r.p, r.n, MSG_NOSIGNAL);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void serve_for_ever(int udp, int tcp)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = udp, .events = POLLIN}, {.fd = tcp, .events = POLLIN}};
        if (poll(fds, 2, -1) > 0) {
            if (fds[0].revents != 0) {
                serve_datagram(udp);
            }
            if (fds[1].revents != 0) {
                serve_connection(tcp);
            }
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
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (tcp < 0 || udp < 0 || bind(tcp, (struct sockaddr *)&any, sizeof(any)) < 0 ||
        getsockname(tcp, (struct sockaddr *)&at, &n) < 0 || listen(tcp, 8) < 0 ||
        bind(udp, (struct sockaddr *)&at, n) < 0) {
        return -1;
    }
    server_at = addr_from_sockaddr(&at);
    fflush(NULL);
    server = fork();
    if (server == 0) {
        alarm(200);
        serve_for_ever(udp, tcp);
    }
    close(udp);
    close(tcp);
    return server < 0 ? -1 : 0;
}

static int stop_server(void **state)
{
    (void)state;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}

/* ---- asking it ---- */

struct asking {
    struct rt *rt;
    struct resolver *resolver;
    const struct hostile_case *c;
    volatile bool stop;
};

static void tell(void *arg, const char *line)
{
    (void)arg;
    (void)line;
}

static void check_answer(const struct hostile_case *c, const struct dns_answer *a)
{
    char state[40];
    snprintf(state, sizeof(state), "%s", dns_state_name(a->state));
    if (a->state == DNS_ANSWER) {
        snprintf(state, sizeof(state), "answer %zu", a->count);
    }
    if (strstr(c->expected, state) == NULL) {
        fail_msg("%s: %s, not %s", c->name, state, c->expected);
    }
    assert_int_equal(a->cut, strcmp(c->name, "thousands") == 0);
    if (strcmp(c->name, "huge") == 0) {
        assert_int_equal(a->records[0].text.n, 254 * 255);
    }
    if (strcmp(c->name, "times") == 0) {
        assert_true(a->ttl <= 86400 * USEC_SEC); /* no answer is kept for longer */
    }
}

static void ask_task(void *arg)
{
    struct asking *x = arg;
    struct dns_name name;
    struct dns_answer a;
    struct arena arena;
    char text[80];
    arena_init(&arena);
    snprintf(text, sizeof(text), "%s.test", x->c->name);
    assert_int_equal(dns_name_parse(slice_of(text), &name), 0);
    usec_t began = rt_now();
    /* Answers have time to come, also on a machine that is busy; silence is not waited for so long.
     */
    usec_t time = strstr(x->c->expected, "timeout") != NULL ? USEC_SEC : 20 * USEC_SEC;
    assert_int_equal(resolver_ask_one(x->resolver, &name, x->c->type, began + time, &arena, &a), 0);
    check_answer(x->c, &a);
    arena_free(&arena);
    x->stop = true;
    real_wake(x->rt);
}

static void hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct asking x = {.rt = real_new(), .c = &cases[i]};
        struct resolver_setup setup = {
            .way = CONF_RESOLVER_SERVERS, .servers = &server_at, .server_count = 1};
        assert_int_equal(resolver_new(x.rt, &setup, tell, NULL, &x.resolver), 0);
        assert_int_equal(task_spawn(x.rt, rt_root_of(x.rt), ask_task, &x), 0);
        real_run(x.rt, &x.stop);
        resolver_free(x.resolver);
        real_free(x.rt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hostile)};
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
