/* The no-loss proof: one fault at one await of one conversation, and what must hold afterwards. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What is done to the conversation; see proof.c for how. */
#define PROOF_FAULTS(X)                                                                            \
    X(NONE, "none")                                                                                \
    X(CLIENT_GONE, "client gone")                                                                  \
    X(CLIENT_STALL, "client silent")                                                               \
    X(HOP_GONE, "hop gone, sent octets lost")                                                      \
    X(HOP_GONE_LATE, "hop gone after it got everything")                                           \
    X(ONE_GONE, "one of the hops gone, sent octets lost")                                          \
    X(ONE_GONE_LATE, "one of the hops gone after it got everything")                               \
    X(HOP_DOWN, "hop down for some time")                                                          \
    X(HOP_STALL, "hop silent")                                                                     \
    X(HOP_SLOW, "hop answers late, client goes away meanwhile")                                    \
    X(CANCELLED, "cancelled")                                                                      \
    X(BUDGET, "memory budget used up")                                                             \
    X(ENOSPC_FILE, "disk full")                                                                    \
    X(EIO_FILE, "disk error")                                                                      \
    X(STORE_ERROR, "store error")                                                                  \
    X(STORE_SLOW, "store hangs")                                                                   \
    X(KILLED, "worker killed")                                                                     \
    X(SIGTERM, "SIGTERM")

enum proof_fault {
#define X(name, text) FAULT_##name,
    PROOF_FAULTS(X)
#undef X
        FAULT_COUNT
};

/* Where the recipients' mail goes, and what becomes of it. */
enum proof_way {
    PROOF_SMTP,
    PROOF_MAILDIR,
    PROOF_LMTP,     /* one is refused for good after the data, one put off for some minutes */
    PROOF_ROUTES,   /* the same, with an SMTP hop and a Maildir in the same transaction */
    PROOF_FAILOVER, /* two routes, by SMTP and by such LMTP, each with two hops */
    PROOF_WAYS,
};

struct proof_case {
    enum proof_way way;
    bool tls;
    bool bdat; /* from the client; the hops then offer it too */
    bool pipelined;
    enum proof_fault fault;
    uint64_t at; /* the await, from 1; 0 for no fault */
    uint64_t seed;
};

struct proof_result {
    uint64_t awaits;   /* of the whole, when there was no fault */
    unsigned attempts; /* the client's */
    bool violated;
    char why[160];
    bool exception; /* a copy too many, or a 4xx for a delivered message, from a fault between
                       commit and durable ledger entry */
    bool put_off_delivered; /* 4xx was said for a delivered message */
};

/* Runs the case in a world of its own. */
void proof_run(const struct proof_case *c, struct proof_result *ret);

const char *proof_fault_text(enum proof_fault f);

/* "maildir tls bdat pipelined, worker killed at await 17 (seed 1)" */
void proof_case_print(const struct proof_case *c, FILE *to);
