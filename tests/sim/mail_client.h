/* A mail client in the outside that retries, as real ones do, until each recipient has its final
 * answer; and notes everything it was told. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "house.h"

#define CLIENT_RECIPIENTS 6
#define CLIENT_ATTEMPTS   60

enum client_final { CLIENT_PENDING, CLIENT_DELIVERED, CLIENT_REFUSED };

struct mail_client {
    struct house *house;
    bool tls;
    bool bdat;
    bool pipelined; /* MAIL, RCPT, DATA in one write, and QUIT behind the message */
    const char *recipients[CLIENT_RECIPIENTS]; /* named in this order every time */
    unsigned recipient_count;
    const char *message;   /* with CRLF, already dot-stuffed where it matters */
    usec_t patience;       /* for each reply */
    struct stream *stream; /* the present attempt's, below TLS; NULL between attempts */
    /* Asked when a 250 for the message has been read: does the hop have it? */
    bool (*has_copy)(void *arg, const char *recipient);
    void *has_copy_arg;

    enum client_final finals[CLIENT_RECIPIENTS];
    unsigned attempts;
    unsigned unfounded;     /* 250 for a recipient that has no copy */
    unsigned false_no;      /* 5xx for a recipient that has one */
    unsigned stray;         /* replies that nothing asked for */
    unsigned put_off;       /* 4xx to the message that brought the last of its recipients a copy */
    unsigned put_off_again; /* the same to one whose recipients all had a copy before */
    unsigned partly;        /* 4xx while some had one: the retry is to bring the others theirs */
    bool done;
};

/* Runs in the outside until all finals are known or CLIENT_ATTEMPTS were made; attempt n goes to
 * the worker of slot n % 2. */
void mail_client_start(struct mail_client *c);
