/* The parameters by which a client asks for delivery status notifications (RFC 3461 section 4). We
 * never make one: they are checked, and passed on as they came. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "parse/smtp_command.h"

/* Longest values; RFC 3461 5.4 (MAIL's line grows by 107 characters, RCPT's by 528). */
#define DSN_ENVID_MAX 100
#define DSN_ORCPT_MAX 500

/* MAIL's; values as they came, empty where not given. */
struct dsn_mail {
    struct slice ret;   /* FULL or HDRS */
    struct slice envid; /* xtext */
};

/* RCPT's. */
struct dsn_rcpt {
    struct slice notify;
    struct slice orcpt; /* addr-type ";" xtext */
    bool promises;      /* NOTIFY says SUCCESS or NEVER: who cannot keep that must not take it */
};

/* What became of a parameter. */
enum dsn_param {
    DSN_TAKEN,
    DSN_OTHER, /* it has nothing to do with DSN */
    DSN_BAD,   /* not by the grammar, too long, or there was one already */
};

enum dsn_param dsn_take_mail(const struct smtp_param *p, struct dsn_mail *m);
enum dsn_param dsn_take_rcpt(const struct smtp_param *p, struct dsn_rcpt *r);
