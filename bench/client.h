/* SMTP clients of which one process can have many thousands, each from an address of its own: what
 * bench/hold.c and bench/hostile.c have in common. It knows nothing of Gatepost. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OCTETS 4096 /* of a message, its header included */
#define EVENTS 256

/* WAIT never speaks, SIT stops behind EHLO, SEND delivers one message; HARM is steered by others.
 */
enum purpose { WAIT, SIT, SEND, HARM };

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

extern int client_epoll;
extern char client_refusal[80]; /* the first reply that was not wanted: how its text begins */

/* To 127.0.0.1:`port_text`, from `first_text` (127.x.y.z) and address_count - 1 others, so many
 * apart. */
void clients_init(const char *port_text, const char *first_text, uint32_t address_count,
                  uint32_t apart);

/* Begins to connect from the address that belongs to `serial`. */
void client_open(struct client *c, uint32_t serial, enum purpose purpose);
void client_close(struct client *c, bool reset);

/* Deals with epoll's events of this client. */
enum outcome client_look(struct client *c, uint32_t events);

double now(void);
double processor_seconds(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Seconds, one for each counted message. */
struct samples {
    double *at;
    size_t count;
    size_t cap;
};

void samples_add(struct samples *s, double value);

/* Prints `, "NAME": [least, median, 95 %, 99 %, most]` and frees them; nothing when there are none.
 */
void samples_tell(const char *name, struct samples *s);
