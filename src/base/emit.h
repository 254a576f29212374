/* JSON written straight into a buffer, for where a tree of values would cost more than what it
 * says (docs/decisions/016-journal.md). Reading JSON is jansson's.
 *
 * What comes out is one line of ASCII: characters that turn text around or command a terminal are
 * of no use in a log. An octet that is not UTF-8 becomes the character of the same number, \u0080
 * to \u00ff, so that none is lost. Whoever writes closes what he has opened. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct emit {
    struct buf *b;
    bool comma; /* is due before the next member or item */
};

/* Opens an object or array. Here and below: `key` names a member of an object, and is NULL for an
 * item of an array and for the outermost value. */
void emit_object(struct emit *e, const char *key);
void emit_array(struct emit *e, const char *key);
void emit_object_end(struct emit *e);
void emit_array_end(struct emit *e);

/* Text of any octets. */
void emit_text(struct emit *e, const char *key, struct slice text);
void emit_number(struct emit *e, const char *key, int64_t n);
void emit_unsigned(struct emit *e, const char *key, uint64_t n);
/* `n` thousandths, with three decimals. */
void emit_thousandths(struct emit *e, const char *key, uint64_t n);
/* A decimal (base/decimal.h). */
void emit_decimal(struct emit *e, const char *key, int64_t thousandths);
/* A finite number, by as many digits as tell one float from another. */
void emit_real(struct emit *e, const char *key, float n);
void emit_bool(struct emit *e, const char *key, bool value);
