/* See client.h. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int client_epoll;
char client_refusal[80];
static uint16_t port;
static uint32_t first;
static char message[OCTETS + 3];
static uint32_t addresses;
static uint32_t stride;

void die(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(1);
}

double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double processor_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* ---- one client ---- */

static struct sockaddr_in loopback(uint32_t address, uint16_t at)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(at)};
}

void client_open(struct client *c, uint32_t serial, enum purpose purpose)
{
    struct sockaddr_in from = loopback(first + serial % addresses * stride, 0);
    struct sockaddr_in to = loopback(INADDR_LOOPBACK, port);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket: %s", strerror(errno));
    }
    *c = (struct client){.fd = fd, .purpose = (uint8_t)purpose, .serial = serial, .began = now()};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
        die("connect: %s", strerror(errno));
    }
    if (epoll_ctl(client_epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

void client_close(struct client *c, bool reset)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (reset) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(c->fd);
    c->fd = -1;
}

static void say(struct client *c, const char *line)
{
    size_t n = strlen(line);
    c->broken = send(c->fd, line, n, MSG_NOSIGNAL) != (ssize_t)n;
}

static void say_message(struct client *c)
{
    while (c->unsent > 0) {
        const char *p = message + sizeof message - c->unsent;
        ssize_t n = send(c->fd, p, c->unsent, MSG_NOSIGNAL);
        if (n < 0) {
            c->broken = errno != EAGAIN;
            return;
        }
        c->unsent -= (uint32_t)n;
    }
}

/* The reply that was wanted has come whole: the next command. */
static void advance(struct client *c)
{
    char line[64];
    switch ((enum stage)c->stage++) {
    case GREETING:
        c->greeted_at = now();
        say(c, "EHLO client.bench.test\r\n");
        break;
    case EHLO:
        if (c->purpose == SIT) {
            c->stage = SILENT;
        } else {
            say(c, "MAIL FROM:<sender@bench.test>\r\n");
        }
        break;
    case MAIL:
        snprintf(line, sizeof line, "RCPT TO:<%u.rcpt@bench.test>\r\n", c->serial);
        say(c, line);
        break;
    case RCPT: say(c, "DATA\r\n"); break;
    case DATA:
        c->unsent = sizeof message;
        say_message(c);
        break;
    case DOT: say(c, "QUIT\r\n"); break;
    case QUIT:
    case SILENT: break;
    }
}

/* Takes the next octet; the code when it ends a reply's last line, else 0. */
static unsigned reply_take(struct reply *r, char octet)
{
    if (octet == '\n') {
        unsigned code = r->more ? 0 : r->code;
        *r = (struct reply){0};
        return code;
    }
    if (r->column < 3) {
        r->code = r->code * 10 + (unsigned)(octet - '0');
    } else if (r->column == 3) {
        r->more = octet == '-';
    }
    r->column++;
    return 0;
}

static void note_refusal(const char *p, size_t n)
{
    size_t used = 0;
    while (client_refusal[0] == '\0' && used < n && used < sizeof client_refusal - 1 &&
           p[used] >= ' ') {
        used++;
    }
    for (size_t i = 0; i < used; i++) {
        client_refusal[i] = p[i] == '"' || p[i] == '\\' ? '.' : p[i];
    }
}

static enum outcome take_replies(struct client *c, const char *p, size_t n)
{
    static const unsigned wanted[] = {220, 250, 250, 250, 354, 250, 221, 0};
    enum outcome outcome = NOTHING;
    for (size_t i = 0; i < n; i++) {
        unsigned code = reply_take(&c->reply, p[i]);
        if (code != 0 && code != wanted[c->stage]) {
            note_refusal(p, n);
            return REFUSED;
        }
        if (code != 0) {
            outcome = c->stage == DOT ? ACCEPTED : c->stage == QUIT ? FINISHED : outcome;
            advance(c);
        }
    }
    return c->broken ? LOST : outcome;
}

/* Reads what is there. One that came back short has read all there was, as every reply's does. */
enum outcome client_look(struct client *c, uint32_t events)
{
    char octets[4096];
    bool writable = (events & EPOLLOUT) != 0 && (events & EPOLLERR) == 0;
    c->connected = c->connected || writable;
    if (writable && c->unsent > 0) {
        say_message(c);
    }
    if ((events & ~(unsigned)EPOLLOUT) == 0) {
        return c->broken ? LOST : NOTHING;
    }
    ssize_t n = recv(c->fd, octets, sizeof octets, 0);
    if (n < 0 && errno == EAGAIN) {
        return NOTHING;
    }
    if (n <= 0) {
        return LOST;
    }
    c->greeted = true;
    return c->purpose == WAIT ? NOTHING : take_replies(c, octets, (size_t)n);
}

/* ---- all clients ---- */

static void make_message(void)
{
    static const char head[] = "From: <sender@bench.test>\r\nTo: <rcpt@bench.test>\r\n"
                               "Subject: bench\r\nMessage-Id: <1@bench.test>\r\n\r\n";
    memset(message, 'X', sizeof message);
    memcpy(message, head, sizeof head - 1);
    for (size_t i = sizeof head - 1 + 78; i + 80 < OCTETS; i += 80) {
        memcpy(message + i, "\r\n", 2);
    }
    memcpy(message + OCTETS - 2, "\r\n.\r\n", 5);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void clients_init(const char *port_text, const char *first_text, uint32_t address_count,
                  uint32_t apart)
{
    struct in_addr address;
    if (inet_pton(AF_INET, first_text, &address) != 1) {
        die("no address: %s", first_text);
    }
    port = (uint16_t)atoi(port_text);
    first = ntohl(address.s_addr);
    addresses = address_count;
    stride = apart;
    client_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (client_epoll < 0) {
        die("epoll_create1: %s", strerror(errno));
    }
    raise_descriptor_limit();
    make_message();
}

/* ---- figures ---- */

void samples_add(struct samples *s, double value)
{
    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 4096 : s->cap * 2;
        s->at = realloc(s->at, s->cap * sizeof *s->at);
        if (s->at == NULL) {
            die("out of memory");
        }
    }
    s->at[s->count++] = value;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void samples_tell(const char *name, struct samples *s)
{
    if (s->count > 0) {
        qsort(s->at, s->count, sizeof *s->at, by_value);
        printf(", \"%s\": [%.6f, %.6f, %.6f, %.6f, %.6f]", name, s->at[0], s->at[s->count / 2],
               s->at[s->count * 95 / 100], s->at[s->count * 99 / 100], s->at[s->count - 1]);
    }
    free(s->at);
}
