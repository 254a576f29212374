/* One message to be judged, a line of JSON:
 *
 *   {"file": "ham/1.eml", "ip": "192.0.2.7", "helo": "mail.example.com",
 *    "mail_from": "a@example.com", "rcpt": "b@example.org", "label": "ham"}
 *
 * `rcpt` may be an array, `mail_from` "" or "<>" for the null reverse-path, and `at` is a time of
 * RFC 3339. All but `file` may be left out, or null: what that means is the caller's to say.
 * Members that are not known are let pass: such files have others too. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"

/* Octets of a line. */
#define JUDGE_REQUEST_MOST ((size_t)1048576)

/* Octets of a label: it heads a row. */
#define JUDGE_LABEL_MOST ((size_t)60)

/* Texts lie in the arena, NUL behind each, which none has inside. */
struct judge_request {
    struct slice file;
    struct slice label;  /* "" without */
    struct addr ip;      /* ADDR_NONE without */
    struct slice helo;   /* p NULL without, as the sender's */
    struct slice sender; /* "" for the null reverse-path */
    const struct slice *recipients;
    size_t recipient_count;
    bool has_at;
    usec_t at_wall; /* microseconds since 1970 UTC */
};

/* Reads a line without its end, of any octets. 0; or -EINVAL with a sentence in `ret_why`, and then
 * *ret has `file` and `label` where the line has them, for whoever tells of it. */
int judge_request_parse(struct slice line, struct arena *arena, struct judge_request *ret,
                        char *ret_why, size_t why_size);

/* A mailbox as people write it: without the angle brackets it may stand in; "<>" is "". */
struct slice judge_mailbox(struct slice text);
