/* The value of a fact: typed, or unknown for a reason (DESIGN "Facts"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"

enum value_type {
    TYPE_BOOL,
    TYPE_NUMBER,
    TYPE_TEXT,
    TYPE_ADDRESS,
    TYPE_DURATION, /* microseconds */
    TYPE_SIZE,     /* octets */
    TYPE_SET,      /* texts, each once */
    TYPE_DECIMAL,  /* thousandths (base/decimal.h) */
    TYPE_RESULT,   /* a word of the fact's list, see fact.h */
    TYPE_COUNT
};

enum value_state {
    VALUE_UNASKED = 0, /* of a remembered fact: not computed yet */
    VALUE_KNOWN,
    VALUE_UNKNOWN,
};

enum unknown_reason {
    UNKNOWN_TIMEOUT,
    UNKNOWN_TEMPORARY,     /* a temporary failure: SERVFAIL, 4xx, a service that is down */
    UNKNOWN_NOT_AVAILABLE, /* this fact cannot be had here and now */
    UNKNOWN_OVER_BUDGET,   /* time, memory or a match limit was used up */
    UNKNOWN_REASON_COUNT
};

/* Where a value comes from, for the record. */
enum value_source {
    SOURCE_CONVERSATION = 0, /* said or done by the client, or computed from that */
    SOURCE_MEMORY,           /* what the host's workers share */
    SOURCE_MESSAGE,          /* read in the message */
    SOURCE_NEXT_HOP,
    SOURCE_DNS,
    SOURCE_SERVER,  /* another server that knows the recipients */
    SOURCE_LIST,    /* a list or database of recipients */
    SOURCE_CACHE,   /* what one of these said a while ago */
    SOURCE_SCANNER, /* an outside scanner */
    SOURCE_ASSUMED, /* nobody: a rehearsal (src/judge) takes it to be so */
    SOURCE_COUNT
};

struct value {
    uint8_t type;   /* enum value_type */
    uint8_t state;  /* enum value_state */
    uint8_t reason; /* enum unknown_reason, when VALUE_UNKNOWN */
    uint8_t source; /* enum value_source; 0 from a fact's function: what is usual for its cost */
    uint32_t
        asking; /* microseconds that asking took, of facts that may suspend; UINT32_MAX: more */
    union {
        bool boolean;
        int64_t
            number; /* NUMBER, DURATION, SIZE, DECIMAL; of a RESULT its index in the fact's words */
        struct slice text;
        struct addr address;
        struct {
            const struct slice *items;
            size_t count;
        } set;
    };
};

/* "bool", "number", … as in messages and the manual; "timeout", "temporary failure", "not
 * available", "over budget". */
const char *value_type_name(enum value_type type);
const char *unknown_reason_name(enum unknown_reason reason);
/* "conversation", "memory", "message", "next hop", "dns", "server", "list", "cache", "scanner",
 * "assumed" */
const char *value_source_name(enum value_source source);

/* Are two of a bool or a number the same, or both unknown? */
static inline bool value_same(const struct value *a, const struct value *b)
{
    return a->type == b->type && a->state == b->state &&
           (a->state != VALUE_KNOWN ||
            (a->type == TYPE_BOOL ? a->boolean == b->boolean : a->number == b->number));
}

/* The same value, from there. */
static inline struct value value_from(enum value_source source, struct value v)
{
    v.source = (uint8_t)source;
    return v;
}

static inline struct value value_bool(bool b)
{
    return (struct value){.type = TYPE_BOOL, .state = VALUE_KNOWN, .boolean = b};
}

static inline struct value value_number(enum value_type type, int64_t n)
{
    return (struct value){.type = (uint8_t)type, .state = VALUE_KNOWN, .number = n};
}

/* Of a count that is never negative: what does not fit is the most that does. */
static inline struct value value_amount(enum value_type type, uint64_t n)
{
    return value_number(type, n < INT64_MAX ? (int64_t)n : INT64_MAX);
}

static inline struct value value_text(struct slice text)
{
    return (struct value){.type = TYPE_TEXT, .state = VALUE_KNOWN, .text = text};
}

static inline struct value value_address(const struct addr *a)
{
    return (struct value){.type = TYPE_ADDRESS, .state = VALUE_KNOWN, .address = *a};
}

/* `items` last as long as the value; each is there once. */
static inline struct value value_set(const struct slice *items, size_t count)
{
    return (struct value){
        .type = TYPE_SET, .state = VALUE_KNOWN, .set = {.items = items, .count = count}};
}

static inline struct value value_unknown(enum value_type type, enum unknown_reason reason)
{
    return (struct value){.type = (uint8_t)type, .state = VALUE_UNKNOWN, .reason = (uint8_t)reason};
}
