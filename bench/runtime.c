/* What the runtime costs: a task switch, a spawn, and the memory of idle sessions, plain and TLS.
 *
 * usage: runtime [SESSIONS]   (default 2000 plain and as many with TLS)
 * A forked child holds the client ends; the figures are this process's own. */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "certificate.h"
#include "rt/real.h"
#include "smtp/server.h"

#define SWITCHES 5000000

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- switches and spawns ---- */

static unsigned long yields;

static void yielder(void *arg)
{
    (void)arg;
    while (yields < SWITCHES) {
        yields++;
        if (task_yield() < 0) {
            return;
        }
    }
}

static void nothing(void *arg)
{
    (void)arg;
}

static void spawner(void *arg)
{
    for (unsigned i = 0; i < 1000000; i++) {
        task_spawn(rt_self(), rt_root_of(rt_self()), nothing, NULL);
        task_yield();
    }
    *(bool *)arg = true;
}

static void measure_switches(void)
{
    struct rt *rt = real_new();
    bool stop = true;
    task_spawn(rt, rt_root_of(rt), yielder, NULL);
    task_spawn(rt, rt_root_of(rt), yielder, NULL);
    double start = seconds();
    real_run(rt, &stop);
    double each = (seconds() - start) / SWITCHES * 1e9;
    printf("task switch, with scheduling:   %6.1f ns\n", each);
    start = seconds();
    task_spawn(rt, rt_root_of(rt), spawner, &stop);
    real_run(rt, &stop);
    printf("spawn, run and end of a task:   %6.1f ns\n", (seconds() - start) / 1e6 * 1e9);
    real_free(rt);
}

/* ---- idle sessions ---- */

static void expect(bool ok, const char *what)
{
    if (!ok) {
        fatal("%s: %s", what, strerror(errno));
    }
}

static void plain_say(int fd, const char *text)
{
    char reply[2048];
    expect(write(fd, text, strlen(text)) > 0, "write");
    expect(read(fd, reply, sizeof reply) > 0, "read");
}

static void open_session(const struct sockaddr_in *to, SSL_CTX *ctx)
{
    char reply[2048];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(connect(fd, (const struct sockaddr *)to, sizeof *to) == 0, "connect");
    expect(read(fd, reply, sizeof reply) > 0, "read");
    plain_say(fd, "EHLO client.example\r\n");
    if (ctx != NULL) {
        plain_say(fd, "STARTTLS\r\n");
        SSL *ssl = SSL_new(ctx);
        SSL_set_fd(ssl, fd);
        expect(SSL_connect(ssl) == 1, "SSL_connect");
        expect(SSL_write(ssl, "EHLO client.example\r\n", 21) > 0, "SSL_write");
        expect(SSL_read(ssl, reply, sizeof reply) > 0, "SSL_read");
    }
}

/* The child: opens `n` sessions, tells so through `ready`, and holds them. */
static void hold(const struct sockaddr_in *to, unsigned n, bool tls, int ready)
{
    SSL_CTX *ctx = tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    for (unsigned i = 0; i < n; i++) {
        open_session(to, ctx);
    }
    expect(write(ready, "x", 1) == 1, "write");
    for (;;) {
        pause();
    }
}

static size_t resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    expect(f != NULL && fscanf(f, "%lu %lu", &size, &pages) == 2, "statm");
    fclose(f);
    return pages * 4096;
}

struct holding {
    struct rt *rt;
    unsigned n;
    struct smtp_server *server;
    bool tls;
    int ready;
    size_t before;
    size_t after;
    bool stop;
};

static int wait_ready(void *arg)
{
    char x;
    return read(((struct holding *)arg)->ready, &x, 1) == 1 ? 0 : -EIO;
}

static void watcher(void *arg)
{
    struct holding *h = arg;
    expect(rt_call(RT_CALL_FILE, wait_ready, h) == 0, "the child");
    /* Until the pages of idle stacks have been given back. */
    task_sleep(rt_now() + 3 * RT_STACK_TRIM_AFTER);
    malloc_trim(0);
    h->after = resident();
    h->stop = true;
    smtp_server_drain(h->server);
}

static void no_line(void *arg, struct slice line)
{
    (void)arg;
    (void)line;
}

static int listen_socket(struct sockaddr_in *ret)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof *ret;
    expect(bind(fd, (struct sockaddr *)ret, len) == 0 && listen(fd, 4096) == 0, "listen");
    getsockname(fd, (struct sockaddr *)ret, &len);
    return fd;
}

static double measure_sessions(unsigned n, bool tls, struct tls_context *context)
{
    static const char text[] = "hostname mx.example\nlisten 127.0.0.1:25\n"
                               "route example.org to smtp://127.0.0.1:26\n";
    struct conf *conf;
    struct conf_error error;
    expect(conf_parse(SLICE_LIT(text), "bench", &conf, &error) == 0, error.text);
    struct rt *rt = real_new();
    struct counters counts = {0};
    struct delivery_host host = {.rt = rt, .conf = conf, .counts = &counts};
    struct decision_sink *sink = decision_sink_to(no_line, NULL);
    struct smtp_server server = {.rt = rt,
                                 .conf = conf,
                                 .deliveries = &host,
                                 .decisions = sink,
                                 .tls = context,
                                 .counts = &counts};
    smtp_server_init(&server, 0);
    struct sockaddr_in at;
    int fd = listen_socket(&at), pipes[2];
    struct real_listener *l;
    expect(real_listen(rt, fd, smtp_server_accept, &server, &l) == 0, "listen");
    expect(pipe(pipes) == 0, "pipe");
    struct holding h = {.rt = rt, .n = n, .server = &server, .tls = tls, .ready = pipes[0]};
    h.before = resident();
    pid_t child = fork();
    if (child == 0) {
        hold(&at, n, tls, pipes[1]);
    }
    task_spawn(rt, rt_root_of(rt), watcher, &h);
    real_run(rt, &h.stop);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    real_listener_free(l);
    smtp_server_fini(&server);
    decision_sink_free(sink);
    real_free(rt);
    conf_free(conf);
    close(fd);
    return (double)(h.after - h.before) / n;
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    char cert[64], key[64], why[256];
    snprintf(cert, sizeof cert, "/tmp/gatepost-bench-%d.pem", (int)getpid());
    snprintf(key, sizeof key, "/tmp/gatepost-bench-%d.key", (int)getpid());
    certificate_make(cert, key);
    struct tls_context *tls;
    expect(tls_context_server(cert, key, &tls, why, sizeof why) == 0, "certificate");
    unlink(cert);
    unlink(key);

    measure_switches();
    printf("idle session after EHLO:        %6.0f octets\n", measure_sessions(n, false, tls));
    printf("idle session after EHLO in TLS: %6.0f octets\n", measure_sessions(n, true, tls));
    tls_context_free(tls);
    return 0;
}
