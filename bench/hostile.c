/* Clients that do harm, and others that send mail at a fixed rate. The load of bench/hostile.
 *
 * usage: hostile crowd PORT FIRST ADDRESSES STRIDE COUNT
 *            Keeps COUNT connections from ADDRESSES addresses, a quarter each of those that
 *                are silent        connect and never speak
 *                are slow          wait for the greeting, then send an octet of a command a second
 *                speak garbage     a KiB at once and every second
 *                are half open     begin a command, and neither read nor write any more
 *            One that the server has ended comes again a second later, as another kind. Answers
 * each line on its standard input with one line of JSON; at the end of its input all connections
 * are reset. hostile mail PORT FIRST ADDRESSES STRIDE RATE SECONDS RATE times a second another
 * client with one message of 4 KB, whatever became of those before; none is tried again. At the end
 * a line of JSON says what became of them.
 *
 * FIRST is the first address (127.x.y.z), STRIDE what lies between two of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define AGAIN        1.0  /* s between two words of one client, and before it comes again */
#define TURN         20   /* ms */
#define A_TURN       400  /* connections begun in one turn at most */
#define LAST_WAIT    60.0 /* s that mail may take */
#define GARBAGE      1024
#define MAIL_CLIENTS 200000

/* ---- those that do harm ---- */

enum kind { SILENT_KIND, SLOW, GARBAGE_KIND, HALF_OPEN, KINDS };

struct foe {
    struct client c; /* first; fd -1: between two connections */
    enum kind kind;
    unsigned words; /* said on this connection */
    double next;    /* when it speaks or comes again */
};

static struct {
    struct foe *foes;
    unsigned count;
    uint32_t serial;
    unsigned connected;
    unsigned long opened, ended, heard;
} crowd;

static char garbage[GARBAGE];

static void come(struct foe *f, double at)
{
    uint32_t serial = crowd.serial++;
    client_open(&f->c, serial, HARM);
    f->kind = (enum kind)(serial % KINDS);
    f->words = 0;
    f->next = at + AGAIN * (double)(serial % 97) / 97;
    crowd.opened++;
}

static void go(struct foe *f, double at)
{
    crowd.connected -= f->c.connected;
    crowd.ended++;
    client_close(&f->c, true);
    f->next = at + AGAIN;
}

/* What it says next; 0 octets: nothing. */
static size_t word_of(const struct foe *f, const char **ret)
{
    static const char slow[] = "EHLO slow.bench.test\r\nNOOP and so on\r\n";
    switch (f->kind) {
    case SLOW: *ret = slow + f->words % (sizeof slow - 1); return f->c.greeted ? 1 : 0;
    case GARBAGE_KIND: *ret = garbage; return sizeof garbage;
    case HALF_OPEN: *ret = "EHLO half.bench"; return f->words == 0 ? strlen(*ret) : 0;
    case SILENT_KIND:
    case KINDS: break;
    }
    return 0;
}

static void speak(struct foe *f, double at)
{
    const char *word = NULL;
    size_t n = word_of(f, &word);
    f->next = at + AGAIN;
    if (n > 0 && f->c.connected) {
        if (send(f->c.fd, word, n, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
            go(f, at);
            return;
        }
        f->words++;
    }
}

static void crowd_look(struct foe *f, uint32_t events, double at)
{
    char octets[4096];
    bool was = f->c.connected;
    f->c.connected = was || ((events & EPOLLOUT) != 0 && (events & EPOLLERR) == 0);
    crowd.connected += f->c.connected && !was;
    if ((events & (unsigned)(EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) {
        go(f, at);
        return;
    }
    if ((events & EPOLLIN) != 0 && f->kind != HALF_OPEN) {
        ssize_t n = recv(f->c.fd, octets, sizeof octets, 0);
        crowd.heard += n > 0 && !f->c.greeted;
        f->c.greeted = f->c.greeted || n > 0;
    }
}

static void crowd_turn(double at)
{
    unsigned begun = 0;
    for (unsigned i = 0; i < crowd.count; i++) {
        struct foe *f = &crowd.foes[i];
        if (at < f->next) {
            continue;
        }
        if (f->c.fd >= 0) {
            speak(f, at);
        } else if (begun < A_TURN) {
            come(f, at);
            begun++;
        }
    }
}

static void crowd_tell(void)
{
    printf("{\"connected\": %u, \"opened\": %lu, \"ended\": %lu, \"heard\": %lu, "
           "\"processor\": %.6f}\n",
           crowd.connected, crowd.opened, crowd.ended, crowd.heard, processor_seconds());
    fflush(stdout);
}

/* True when there is a line to read. */
static bool crowd_events(void)
{
    struct epoll_event events[EVENTS];
    bool line = false;
    int n = EVENTS;
    for (int wait = TURN; n == EVENTS; wait = 0) {
        n = epoll_wait(client_epoll, events, EVENTS, wait);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                line = true;
            } else {
                crowd_look(events[i].data.ptr, events[i].events, now());
            }
        }
    }
    return line;
}

static void be_a_crowd(unsigned count)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    char line[64];
    crowd.foes = calloc(count, sizeof *crowd.foes);
    crowd.count = count;
    if (crowd.foes == NULL || epoll_ctl(client_epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0) {
        die("cannot begin: %s", strerror(errno));
    }
    srandom(1);
    for (size_t i = 0; i < sizeof garbage; i++) {
        garbage[i] = (char)random();
    }
    for (unsigned i = 0; i < count; i++) {
        crowd.foes[i].c.fd = -1;
    }
    for (;;) {
        crowd_turn(now());
        if (!crowd_events()) {
            continue;
        }
        if (fgets(line, sizeof line, stdin) == NULL) {
            break;
        }
        crowd_tell();
    }
    for (unsigned i = 0; i < count; i++) {
        if (crowd.foes[i].c.fd >= 0) {
            client_close(&crowd.foes[i].c, true);
        }
    }
    free(crowd.foes);
}

/* ---- those that send mail ---- */

static struct {
    unsigned long begun, accepted, refused, lost;
    unsigned live;
    struct samples waited; /* from connect to greeting */
    struct samples talked; /* from the greeting to the message's 250 */
    struct samples all;
} mail;

static void mail_look(struct client *c, uint32_t events)
{
    enum outcome o = client_look(c, events);
    if (o == NOTHING) {
        return;
    }
    if (o == ACCEPTED) {
        double at = now();
        mail.accepted++;
        samples_add(&mail.waited, c->greeted_at - c->began);
        samples_add(&mail.talked, at - c->greeted_at);
        samples_add(&mail.all, at - c->began);
        return;
    }
    mail.refused += o == REFUSED;
    mail.lost += o == LOST && c->stage != QUIT;
    client_close(c, false);
    mail.live--;
}

static void mail_turn(void)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(client_epoll, events, EVENTS, 2);
    for (int i = 0; i < n; i++) {
        mail_look(events[i].data.ptr, events[i].events);
    }
}

static void send_mail(double rate, double seconds)
{
    unsigned count = (unsigned)(rate * seconds);
    struct client *clients = calloc(count, sizeof *clients);
    double began = now();
    if (clients == NULL || count > MAIL_CLIENTS) {
        die("too many messages");
    }
    while (mail.begun < count || (mail.live > 0 && now() < began + seconds + LAST_WAIT)) {
        while (mail.begun < count && now() >= began + (double)mail.begun / rate) {
            client_open(&clients[mail.begun], (uint32_t)mail.begun, SEND);
            mail.begun++;
            mail.live++;
        }
        mail_turn();
    }
    printf("{\"messages\": %lu, \"accepted\": %lu, \"refused\": %lu, \"lost\": %lu, "
           "\"unfinished\": %u, \"refusal\": \"%s\", \"processor\": %.6f",
           mail.begun, mail.accepted, mail.refused, mail.lost, mail.live, client_refusal,
           processor_seconds());
    samples_tell("waited", &mail.waited);
    samples_tell("talked", &mail.talked);
    samples_tell("all", &mail.all);
    printf("}\n");
    free(clients);
}

int main(int argc, char **argv)
{
    bool crowds = argc == 7 && strcmp(argv[1], "crowd") == 0;
    bool mails = argc == 8 && strcmp(argv[1], "mail") == 0;
    if (!crowds && !mails) {
        fprintf(stderr, "usage: hostile crowd PORT FIRST ADDRESSES STRIDE COUNT | "
                        "mail PORT FIRST ADDRESSES STRIDE RATE SECONDS\n");
        return 2;
    }
    clients_init(argv[2], argv[3], (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]));
    if (crowds) {
        be_a_crowd((unsigned)atoi(argv[6]));
    } else {
        send_mail(atof(argv[6]), atof(argv[7]));
    }
    return 0;
}
