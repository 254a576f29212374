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
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"

#define CLIENTS   1000000 /* of one process */
#define ADDRESSES 1000000
#define PATIENCE  60.0 /* s that `wait` or `idle` may take */
#define LAST_WAIT 30.0 /* s for what is under way at the end of `send` */

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
    int n = epoll_wait(client_epoll, events, EVENTS, ms);
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
    if (kept.clients == NULL || epoll_ctl(client_epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0) {
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

static struct {
    double from, to; /* when it counts */
    uint32_t serial;
    unsigned live;
    unsigned long accepted, counted, refused, lost;
    struct samples waited; /* from connect to greeting */
    struct samples talked; /* from the greeting to the message's 250 */
} sent;

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
    int n = epoll_wait(client_epoll, events, EVENTS, 10);
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
           sent.counted, seconds, sent.accepted, sent.refused, sent.lost, client_refusal, sent.live,
           processor_seconds());
    samples_tell("waited", &sent.waited);
    samples_tell("talked", &sent.talked);
    printf("}\n");
    free(clients);
}

int main(int argc, char **argv)
{
    bool keeps = argc == 4 && strcmp(argv[1], "keep") == 0;
    bool sends = argc == 7 && strcmp(argv[1], "send") == 0;
    if (!keeps && !sends) {
        fprintf(stderr, "usage: hold keep PORT FIRST | send PORT FIRST SESSIONS BEFORE SECONDS\n");
        return 2;
    }
    clients_init(argv[2], argv[3], ADDRESSES, 1);
    if (keeps) {
        keep();
    } else {
        send_mail((unsigned)atoi(argv[4]), atof(argv[5]), atof(argv[6]));
    }
    return 0;
}
