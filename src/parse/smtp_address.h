/* Paths and mailboxes of RFC 5321 4.1.2, with the UTF-8 of RFC 6531 where it was asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* A path, taken apart. All slices point into the parsed text. */
struct smtp_path {
    struct slice mailbox;    /* local part and domain as given, without source route and <> */
    struct slice local_part; /* as given, quotes and backslashes included */
    struct slice domain;     /* without the "@"; empty for <> and for a bare postmaster */
    bool null;               /* <> */
    bool quoted;             /* the local part is a quoted-string */
    bool literal;            /* the domain is an address literal, brackets included in `domain` */
    bool source_route;       /* one was given and stripped (RFC 5321 appendix C) */
    bool utf8;               /* holds octets above 127 */
};

enum smtp_path_kind { SMTP_REVERSE_PATH, SMTP_FORWARD_PATH };

enum smtp_path_error {
    SMTP_PATH_OK = 0,
    SMTP_PATH_SYNTAX,     /* 501 5.1.7 / 5.1.3 */
    SMTP_PATH_LONG,       /* domain over 255 octets; the path's length is the caller's to limit */
    SMTP_PATH_NEEDS_UTF8, /* octets above 127, and SMTPUTF8 was not given; 553 5.6.7 */
    SMTP_PATH_RELAY, /* % ! or a further @ inside an unquoted or quoted local part: a relay trick */
};

/* Parses a path at the start of `text` ("<" required), up to and including its ">". `ret_rest` is
 * what follows. Reverse paths may be <>; a forward path may be <postmaster> in any case of
 * letters. RELAY is only told of forward paths, with *ret filled. On any other error *ret is
 * untouched. */
enum smtp_path_error smtp_path_parse(struct slice text, enum smtp_path_kind kind, bool allow_utf8,
                                     struct smtp_path *ret, struct slice *ret_rest);

/* A domain or address literal as EHLO takes it. HELO and EHLO are lenient about names real clients
 * send (underscores): only characters that cannot be in any name, or over 255 octets, are
 * refused. */
bool smtp_helo_valid(struct slice text);

/* The local part with quoting undone ("\"a b\"" → a b), into `ret` (at least local.n octets).
 * Returns its length. */
size_t smtp_local_part_unquote(struct slice local, char *ret);

/* What follows the "@" of a mailbox; empty without one. A local part in quotes may have an "@" of
 * its own, and so may an address literal, but no further "[". */
struct slice smtp_mailbox_domain(struct slice mailbox);
