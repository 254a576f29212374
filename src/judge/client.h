/* The client of a rehearsal: says one envelope and sends one message, as a mailer does, and notes
 * what it was told.
 *
 * EHLO, STARTTLS where wanted, MAIL with SIZE and what the message needs of BODY=8BITMIME and
 * SMTPUTF8, RCPT for each recipient, DATA (or BDAT for a message with bare CR or LF), QUIT. Each
 * command waits for the reply before it. A client that is refused says QUIT; one that a recipient
 * alone is refused goes on with the others. Never retries. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "judge/mail_text.h"
#include "rt/rt.h"
#include "rt/tls.h"

/* Who comes when, and with what. Texts are borrowed. */
struct judge_case {
    struct addr client; /* its port is taken too, where there is one */
    struct addr local;  /* where it connects to; ADDR_NONE: as the listener has it */
    size_t listener;    /* index in conf->listen */
    usec_t at_wall;     /* microseconds since 1970 UTC */
    struct slice helo;
    struct slice sender; /* mailbox, "" for the null reverse-path */
    const struct slice *recipients;
    size_t recipient_count;
    struct mail_text mail;
    bool tls;      /* by STARTTLS */
    bool early;    /* it speaks before it is greeted */
    bool no_esmtp; /* HELO, and nothing that EHLO offers */
};

/* Can it be said in a command, so that it is one command? False for control characters, and for an
 * address that is more than one: "a@b> SIZE=1". Whether it is any good the session says. */
bool judge_word_fits(struct slice helo);
bool judge_address_fits(struct slice mailbox, bool reverse_path);

struct judge_client {
    const struct judge_case *c;
    struct addr server;
    struct tls_context *tls; /* a client's, which trusts anybody; NULL where no TLS is wanted */
    struct buf reply;        /* the last that was no yes: "501 5.5.4 text"; "" */
    bool done;
};

/* A task, whose argument is a struct judge_client: plays the whole, then sets `done`. */
void judge_client_main(void *arg);
