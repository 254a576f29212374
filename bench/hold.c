/* Many SMTP clients in one process, each from an address of its own: they hold connections, or send
 * mail. The load of bench/hold; it knows nothing of Gatepost.
 *
 * usage: hold keep PORT FIRST
 *            Obeys one line after the other on its standard input, and answers each with one:
 *                wait N    N more clients that connect and never speak; done when all are connected
 *                idle N    N more clients; done when all are greeted and had their EHLO answered
 *                tell      how all are
 *            At the end of its input all connections are reset, so that nothing of them lingers.
 *        hold send PORT FIRST SESSIONS BEFORE SECONDS
 *            Keeps so many sessions going, each a new client with one message of 4 KB. They begin
 *            evenly over the first BEFORE seconds; the SECONDS that follow are counted.
 *
 * FIRST is the first client's address (127.x.y.z); the next ones follow it. Answers are JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OCTETS    4096    /* of a message, its header included */
#define CLIENTS   1000000 /* of one process */
#define ADDRESSES 1000000
#define EVENTS    256
#define PATIENCE  60.0 /* s that `wait` or `idle` may take */
#define LAST_WAIT 30.0 /* s for what is under way at the end of `send` */

enum purpose { WAIT, SIT, SEND };

/* Whose reply is waited for. */
enum stage { GREETING, EHLO, MAIL, RCPT, DATA, DOT, QUIT, SILENT };

/* What became of a client when it was looked after. */
enum outcome { NOTHING, ACCEPTED, FINISHED, REFUSED, LOST };

struct reply {
    unsigned code;
    unsigned column;
    bool more; /* another line follows */
};

struct client {
    int fd;
    uint8_t purpose;
    uint8_t stage;
    bool connected;
    bool greeted;
    bool broken; /* a command did not go out */
    uint32_t serial;
    uint32_t unsent; /* octets of the message */
    struct reply reply;
    double began;
    double greeted_at;
};

static int epoll;
static uint16_t port;
static uint32_t first;
static char message[OCTETS + 3];
static char refusal[80]; /* the first that was not wanted: how its text begins */

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "hold: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(1);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double processor_seconds(void)
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

/* Begins to connect from the address that belongs to `serial`. */
static void client_open(struct client *c, uint32_t serial, enum purpose purpose)
{
    struct sockaddr_in from = loopback(first + serial % ADDRESSES, 0);
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
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

static void client_close(struct client *c, bool reset)
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
    while (refusal[0] == '\0' && used < n && used < sizeof refusal - 1 && p[used] >= ' ') {
        used++;
    }
    for (size_t i = 0; i < used; i++) {
        refusal[i] = p[i] == '"' || p[i] == '\\' ? '.' : p[i];
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
static enum outcome client_look(struct client *c, uint32_t events)
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

/* ---- keep ---- */

static struct {
    struct client *clients; /* never moved: events point to them */
    unsigned count;
    unsigned connected, greeted, idle, lost;
} kept;

static void keep_look(struct client *c, uint32_t events)
{
    struct client before = *c;
    enum outcome o = client_look(c, events);
    kept.connected += !before.connected && c->connected;
    kept.greeted += !before.greeted && c->greeted;
    kept.idle += before.stage != SILENT && c->stage == SILENT;
    if (o == REFUSED || o == LOST) {
        kept.lost++;
        client_close(c, true);
    }
}

/* Handles what has happened, waiting up to `ms` for something; true when there is a line to read.
 */
static bool keep_turn(int ms)
{
    struct epoll_event events[EVENTS];
    bool line = false;
    int n = epoll_wait(epoll, events, EVENTS, ms);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (c == NULL) {
            line = true;
        } else {
            keep_look(c, events[i].events);
        }
    }
    return line;
}

static void keep_open(unsigned n, enum purpose purpose)
{
    const unsigned *done = purpose == SIT ? &kept.idle : &kept.connected;
    unsigned goal = *done + kept.lost + n;
    double until = now() + PATIENCE;
    if (n > CLIENTS - kept.count) {
        die("more than %d clients", CLIENTS);
    }
    for (unsigned i = 0; i < n; i++) {
        client_open(&kept.clients[kept.count], kept.count, purpose);
        kept.count++;
    }
    while (*done + kept.lost < goal && now() < until) {
        (void)keep_turn(100);
    }
}

static void keep_tell(void)
{
    printf("{\"clients\": %u, \"connected\": %u, \"greeted\": %u, \"idle\": %u, \"lost\": %u, "
           "\"processor\": %.6f}\n",
           kept.count, kept.connected, kept.greeted, kept.idle, kept.lost, processor_seconds());
    fflush(stdout);
}

static void keep(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    char line[64];
    kept.clients = calloc(CLIENTS, sizeof *kept.clients);
    if (kept.clients == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0) {
        die("cannot begin: %s", strerror(errno));
    }
    for (;;) {
        unsigned n = 0;
        if (!keep_turn(-1)) {
            continue;
        }
        if (fgets(line, sizeof line, stdin) == NULL) {
            break;
        }
        if (sscanf(line, "wait %u", &n) == 1) {
            keep_open(n, WAIT);
        } else if (sscanf(line, "idle %u", &n) == 1) {
            keep_open(n, SIT);
        }
        keep_tell();
    }
    for (unsigned i = 0; i < kept.count; i++) {
        if (kept.clients[i].fd >= 0) {
            client_close(&kept.clients[i], true);
        }
    }
    free(kept.clients);
}

/* ---- send ---- */

/* Seconds, one for each counted message. */
struct samples {
    double *at;
    size_t count;
    size_t cap;
};

static struct {
    double from, to; /* when it counts */
    uint32_t serial;
    unsigned live;
    unsigned long accepted, counted, refused, lost;
    struct samples waited; /* from connect to greeting */
    struct samples talked; /* from the greeting to the message's 250 */
} sent;

static void samples_add(struct samples *s, double value)
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

static void samples_tell(const char *name, struct samples *s)
{
    if (s->count > 0) {
        qsort(s->at, s->count, sizeof *s->at, by_value);
        printf(", \"%s\": [%.6f, %.6f, %.6f, %.6f]", name, s->at[0], s->at[s->count / 2],
               s->at[s->count * 99 / 100], s->at[s->count - 1]);
    }
    free(s->at);
}

static void send_look(struct client *c, uint32_t events)
{
    enum outcome o = client_look(c, events);
    double at = now();
    if (o == NOTHING) {
        return;
    }
    if (o == ACCEPTED) {
        sent.accepted++;
        if (at >= sent.from && at < sent.to) {
            sent.counted++;
            samples_add(&sent.waited, c->greeted_at - c->began);
            samples_add(&sent.talked, at - c->greeted_at);
        }
        return;
    }
    sent.refused += o == REFUSED;
    sent.lost += o == LOST;
    client_close(c, false);
    if (at < sent.to) {
        client_open(c, sent.serial++, SEND);
    } else {
        sent.live--;
    }
}

static void send_turn(void)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll, events, EVENTS, 10);
    for (int i = 0; i < n; i++) {
        send_look(events[i].data.ptr, events[i].events);
    }
}

static void send_mail(unsigned sessions, double before, double seconds)
{
    struct client *clients = calloc(sessions, sizeof *clients);
    double began = now();
    unsigned opened = 0;
    if (clients == NULL) {
        die("out of memory");
    }
    sent.from = began + before;
    sent.to = sent.from + seconds;
    for (double at = began; at < sent.to || (sent.live > 0 && at < sent.to + LAST_WAIT);
         at = now()) {
        while (opened < sessions && at < sent.to && opened * before <= (at - began) * sessions) {
            client_open(&clients[opened++], sent.serial++, SEND);
            sent.live++;
        }
        send_turn();
    }
    printf("{\"messages\": %lu, \"seconds\": %.3f, \"all\": %lu, \"refused\": %lu, \"lost\": %lu, "
           "\"refusal\": \"%s\", \"unfinished\": %u, \"processor\": %.6f",
           sent.counted, seconds, sent.accepted, sent.refused, sent.lost, refusal, sent.live,
           processor_seconds());
    samples_tell("waited", &sent.waited);
    samples_tell("talked", &sent.talked);
    printf("}\n");
    free(clients);
}

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

int main(int argc, char **argv)
{
    struct in_addr address;
    bool keeps = argc == 4 && strcmp(argv[1], "keep") == 0;
    bool sends = argc == 7 && strcmp(argv[1], "send") == 0;
    if ((!keeps && !sends) || inet_pton(AF_INET, argv[3], &address) != 1) {
        fprintf(stderr, "usage: hold keep PORT FIRST | send PORT FIRST SESSIONS BEFORE SECONDS\n");
        return 2;
    }
    port = (uint16_t)atoi(argv[2]);
    first = ntohl(address.s_addr);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        die("epoll_create1: %s", strerror(errno));
    }
    raise_descriptor_limit();
    make_message();
    if (keeps) {
        keep();
    } else {
        send_mail((unsigned)atoi(argv[4]), atof(argv[5]), atof(argv[6]));
    }
    return 0;
}
