/* An answer to a command or a message, ours or a next hop's: what a reply to the client is made of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "fact/value.h"

struct rule;

struct answer {
    uint16_t code;         /* 250, 451, 550… */
    struct slice enhanced; /* "5.1.1", or empty where a hop gave none */
    struct slice text;     /* lines separated by '\n'; without code, separator and enhanced code */
    bool of_mail;          /* the next hop's to MAIL, which says nothing of the recipient */
    bool timed_out;        /* ours: the next hop did not answer in time */
    bool from_hop;         /* the next hop's own words */
    bool known_before; /* ours: the next hop cannot be asked, but knew the recipient a while ago */
    enum value_source source; /* of a recipient's: who was asked; 0: the next hop */
    const struct rule *rule;  /* the policy's rule that decided so, or NULL */
};

/* An answer in our own words; `enhanced` and `text` are not copied and usually literals. */
static inline struct answer answer_ours(uint16_t code, const char *enhanced, const char *text)
{
    return (struct answer){.code = code, .enhanced = slice_of(enhanced), .text = slice_of(text)};
}

/* The replies of tbl/replies.h. */
enum reply_name {
#define REPLY(name, code, enhanced, text) REPLY_##name,
#include "tbl/replies.h"
#undef REPLY
};

/* One of ours as an answer; its texts are static. */
struct answer reply_answer(enum reply_name name);

/* The enum reply_name of ours that reads so; -1: none does, so these are somebody else's words. */
int reply_find(uint16_t code, struct slice enhanced, struct slice text);

static inline bool answer_is_yes(const struct answer *a)
{
    return a->code >= 200 && a->code < 300;
}

/* Does it say that there is no such mailbox? Only 5.1.1 and 5.1.10 do, and the 550 of a hop that
 * has no enhanced codes; whatever else is refused may be there. */
bool answer_says_unknown(const struct answer *a);

/* Does it refuse so much, and perhaps not less: 552, 5.2.2 (mailbox full), 5.2.3, 5.3.4? */
bool answer_is_of_size(const struct answer *a);

static inline bool answer_is_no(const struct answer *a)
{
    return a->code >= 500;
}
