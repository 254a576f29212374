/* A worker and a scripted next hop in the simulated world, for the tests of src/route.
 *
 * A script is one connection told from the hop's side, a NULL-terminated list of steps:
 *   "> text"  the hop says this line
 *   "#N"      the hop reads N octets of a chunk
 *   "."       the hop reads a message up to CRLF.CRLF; unstuffed, it goes to `got`
 *   "!end"    the worker must end the connection in order; what came before goes to `got`
 *   "!reset"  the worker must reset it; the same
 *   "!close"  the hop closes, "!cut" it resets
 *   "!quiet"  for a second nothing may arrive
 *   "!tls"    a handshake, which must succeed, with the certificate `tls`; from here on it is TLS
 *   "!no tls" a handshake, which must fail
 *   "@N"      the connection must be to hop N, from 0 (world_hops)
 *   "!rest"   for ten seconds the hop does nothing, "!sleep" for ten minutes
 *   else      the worker must send exactly this line
 * The steps of "!cut" and "!close" end the script; otherwise the hop closes at its end. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "route/hop.h"
#include "route/hop_tls.h"
#include "rt/sim.h"
#include "rt/tls.h"

#define RECIPIENTS 4
#define HOPS       3

typedef const char *const script[];

/* What most scripts are made of, and a world that plays some of them in this order. */
#define OK     "> 250 2.0.0 ok"
#define MAIL_A "MAIL FROM:<a@x.example>"
#define RCPT_R "RCPT TO:<r@y.example>"
#define RCPT_S "RCPT TO:<s@y.example>"
#define RCPT_T "RCPT TO:<t@y.example>"
#define PLAY(w, client, ...)                                                                       \
    world_play(w, client, (const char *const *const[]){__VA_ARGS__},                               \
               sizeof((const char *const *const[]){__VA_ARGS__}) / sizeof(script *))

/* The trace field of every message. */
#define TRACE_TEXT "Received: from a by b\r\n"
/* The message of world_deliver, and as the hop gets it. */
#define MESSAGE_TEXT   "Subject: hi\r\n\r\nhello\r\n"
#define DELIVERED_TEXT TRACE_TEXT MESSAGE_TEXT

struct hop_world {
    struct sim *sim;
    struct rt *worker;
    struct rt *internet;
    struct sim_listener *listener;
    struct conf conf;
    struct conf_hop hop; /* the first */
    struct conf_hop more_hops[HOPS - 1];
    struct sim_listener *more_listeners[HOPS - 1];
    struct conf_hop *hops[HOPS];
    struct conf_route_hop route_hops[HOPS];
    struct conf_route route;
    struct conf_route *routes[1];
    struct hop_pools *pools;
    struct hop_trust *trust;
    struct tls_context *tls; /* the hop's; NULL: none is needed */
    unsigned resumed;        /* handshakes that went on from an earlier session */
    struct arena arena;
    struct envelope envelope;
    struct hop_recipient recipients[RECIPIENTS];
    struct hop_recipient *r[RECIPIENTS];
    struct budget budget;
    struct spool_config spool_config;
    struct message message;
    struct scope scope; /* around the client, for tests that cancel it */

    const char *const *const *scripts;
    size_t script_count;
    size_t accepted;
    size_t ended;
    size_t completed; /* scripts played to their last step */
    struct buf got;
    struct buf told; /* what the operator was told, in lines */
    char failure[512];

    void (*client)(struct hop_world *w);
    bool done;
};

/* Notes what went wrong; only the first is kept, and world_free fails with it. For use in tasks. */
void fail_hop(struct hop_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- for the client ---- */
struct hop *begin(struct hop_world *w);
/* Makes these octets the message, as if they had been received. */
void load_octets(struct hop_world *w, struct slice text, bool by_bdat);
void load(struct hop_world *w, const char *text);

/* RCPT for the first `n`; returns how many said yes, and wants those. */
size_t ask(struct hop_world *w, struct hop *h, size_t n);
/* hop_prepare, and hop_commit in a shield, for the first `n`. */
int prepare(struct hop_world *w, struct hop *h, size_t n);
int commit(struct hop_world *w, struct hop *h, size_t n);

/* Both, and all of them must be confirmed; the recipients can then be used again. */
void world_finish(struct hop_world *w, struct hop *h, size_t n);
/* A whole message, MESSAGE_TEXT, to the first `n`. */
void world_deliver(struct hop_world *w, size_t n);
/* Clients: one such message to one, six to one, and the question about one. */
void deliver_one(struct hop_world *w);
void deliver_six(struct hop_world *w);
void ask_one(struct hop_world *w);
struct hop_figures world_figures(const struct hop_world *w, size_t i);

/* ---- for the test ---- */
void set_recipient(struct hop_world *w, size_t i, const char *local_part, const char *domain);
struct hop_world *world_new(void);
/* The route gets `n` hops, at 10.0.0.5 and what follows. */
void world_hops(struct hop_world *w, size_t n);
/* The hop stops listening, or does so again. */
void world_listen(struct hop_world *w, size_t hop, bool on);
/* Runs the client to its end, for `time` and no longer. */
void world_go_for(struct hop_world *w, void (*client)(struct hop_world *w), usec_t time);
/* Runs the client to its end, and everything that is still under way; world_play with scripts. */
void world_go(struct hop_world *w, void (*client)(struct hop_world *w));
void world_play(struct hop_world *w, void (*client)(struct hop_world *w),
                const char *const *const *scripts, size_t count);
/* Also asserts that all went as the scripts say, and that nothing is left. */
void world_free(struct hop_world *w);

/* ---- assertions ---- */
void assert_got(const struct hop_world *w, const char *want);
void assert_answer(const struct hop_recipient *r, unsigned code, const char *enhanced,
                   const char *text);
