/* What an answer costs that is known already: from our cache, through the door that facts use, and
 * from libunbound's, through the one that it has for event loops.
 *
 * A forked child is the name server: it answers any question for TXT with one SPF record, and any
 * other with one address. The figures are this process's own CPU time. */
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "base/fatal.h"
#include "client/resolver.h"
#include "rt/real.h"

#define OURS   2000000
#define THEIRS 200000
#define NAME   "mail.example.org"

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the name server ---- */

static size_t answer(uint8_t *p, size_t n)
{
    static const char text[] = "v=spf1 ip4:192.0.2.0/24 include:_spf.example.net mx -all";
    static const uint8_t head[] = {0xc0, 12, 0, 0, 0, 1, 0, 0, 0x0e, 0x10};
    size_t end = 12;
    while (end < n && p[end] != 0) {
        end += 1U + p[end];
    }
    end += 5;
    if (end > n) {
        return 0;
    }
    uint8_t type = p[end - 3];
    p[2] = 0x85;
    p[3] = 0x80;
    memset(p + 6, 0, 6);
    p[7] = 1;
    uint8_t *to = p + end;
    memcpy(to, head, sizeof(head));
    to[3] = type;
    to += sizeof(head);
    size_t data = type == DNS_TXT ? sizeof(text) : 4;
    *to++ = 0;
    *to++ = (uint8_t)data;
    if (type == DNS_TXT) {
        *to = (uint8_t)(data - 1);
        memcpy(to + 1, text, data - 1);
    } else {
        memcpy(to, "\300\0\2\1", 4);
    }
    return (size_t)(to - p) + data;
}

static void serve(int fd)
{
    for (;;) {
        uint8_t p[1024];
        struct sockaddr_storage from;
        socklen_t from_n = sizeof(from);
        ssize_t n = recvfrom(fd, p, 512, 0, (struct sockaddr *)&from, &from_n);
        size_t length = n > 12 ? answer(p, (size_t)n) : 0;
        if (length > 0) {
            (void)sendto(fd, p, length, 0, (struct sockaddr *)&from, from_n);
        }
    }
}

static pid_t start_server(struct addr *ret)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage at;
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) < 0) {
        fatal("no socket for the name server");
    }
    *ret = addr_from_sockaddr(&at);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(120);
        serve(fd);
    }
    close(fd);
    return pid;
}

/* ---- ours ---- */

struct ours {
    struct rt *rt;
    struct resolver *resolver;
    enum dns_type type;
    double each;
    volatile bool stop;
};

static void ask(struct ours *o, const struct dns_name *name, struct arena *arena)
{
    struct dns_answer a;
    if (resolver_ask_one(o->resolver, name, o->type, rt_now() + 5 * USEC_SEC, arena, &a) < 0 ||
        a.count != 1) {
        fatal("no answer");
    }
    arena_reset(arena);
}

static void ours_task(void *arg)
{
    struct ours *o = arg;
    struct dns_name name;
    struct arena arena;
    arena_init(&arena);
    (void)dns_name_parse(SLICE_LIT(NAME), &name);
    ask(o, &name, &arena);
    double start = seconds();
    for (unsigned i = 0; i < OURS; i++) {
        ask(o, &name, &arena);
    }
    o->each = (seconds() - start) / OURS;
    if (resolver_stats(o->resolver)->asked != 1) {
        fatal("the server was asked more than once");
    }
    arena_free(&arena);
    o->stop = true;
    real_wake(o->rt);
}

static void tell_nobody(void *arg, const char *line)
{
    (void)arg;
    (void)line;
}

static double measure_ours(const struct addr *server, enum dns_type type)
{
    struct ours o = {.rt = real_new(), .type = type};
    const struct resolver_setup setup = {.way = CONF_RESOLVER_SERVERS,
                                         .servers = server,
                                         .server_count = 1,
                                         .cache = 8 << 20,
                                         .question_time = 5 * USEC_SEC};
    if (resolver_new(o.rt, &setup, tell_nobody, NULL, &o.resolver) < 0) {
        fatal("no resolver");
    }
    task_spawn(o.rt, rt_root_of(o.rt), ours_task, &o);
    real_run(o.rt, &o.stop);
    resolver_free(o.resolver);
    real_free(o.rt);
    return o.each;
}

/* ---- theirs ---- */

static void on_answer(void *arg, int rcode, void *packet, int n, int security, char *why_bogus,
                      int was_ratelimited)
{
    (void)packet;
    (void)security;
    (void)why_bogus;
    (void)was_ratelimited;
    *(unsigned *)arg += rcode == 0 && n > 12;
}

static double measure_theirs(const struct addr *server, enum dns_type type)
{
    struct event_base *base = event_base_new();
    struct ub_ctx *ub = ub_ctx_create_event(base);
    char address[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 8];
    unsigned answers = 0;
    (void)snprintf(text, sizeof(text), "%s@%u", addr_format(server, address), server->port);
    (void)ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
    (void)ub_ctx_set_fwd(ub, text);
    (void)ub_resolve_event(ub, NAME ".", (int)type, 1, &answers, on_answer, NULL);
    while (answers == 0 && event_base_loop(base, EVLOOP_ONCE) == 0) {
    }
    double start = seconds();
    for (unsigned i = 0; i < THEIRS; i++) {
        (void)ub_resolve_event(ub, NAME ".", (int)type, 1, &answers, on_answer, NULL);
    }
    double each = (seconds() - start) / THEIRS;
    if (answers != THEIRS + 1) {
        fatal("libunbound did not answer at once");
    }
    ub_ctx_delete(ub);
    event_base_free(base);
    return each;
}

int main(void)
{
    struct addr server;
    pid_t pid = start_server(&server);
    static const enum dns_type types[] = {DNS_A, DNS_TXT};
    for (size_t i = 0; i < 2; i++) {
        double ours = measure_ours(&server, types[i]);
        double theirs = measure_theirs(&server, types[i]);
        printf(
            "%-4s known already: %5.0f ns from our cache, %6.0f ns from libunbound's: 1 : %.1f\n",
            dns_type_name(types[i]), ours * 1e9, theirs * 1e9, theirs / ours);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}
