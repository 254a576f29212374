/* What the files that tell a story share. Internal to src/journal. */
#pragma once

#include "journal/data.h"
#include "journal/story.h"

/* Who gave a reply. */
enum author {
    AUTHOR_NONE,    /* there was none */
    AUTHOR_RULE,    /* a rule of the policy */
    AUTHOR_HOP,     /* the next hop, in its own words */
    AUTHOR_GATEPOST /* we, for a reason of our own */
};

struct telling {
    const struct story *story;
    const struct journal_record *r;
    const struct journal_recipient *to; /* whose story it is; NULL: of all */
    struct arena arena;
    /* Whose facts count beside the whole's: `to`, or where all were refused at RCPT the one whose
     * reply tells of it; NULL: none. */
    const struct journal_recipient *speaker;
    json_t *facts; /* of the whole, and of the speaker; NULL: none */
    json_t *speaker_facts;
    /* Of the reply that the story is about: */
    enum author author;
    struct slice rule;           /* the place of the rule that gave it; empty: none */
    bool pending;                /* a rule decided before RCPT, and RCPT was answered with it */
    struct journal_rule written; /* that rule, where it could be found: else its place is empty */
    uint16_t code;
    struct slice enhanced;
    struct slice text;
};

static inline bool says(struct slice text, const char *words)
{
    return slice_eq(text, slice_of(words));
}

/* ---- story_differ.c ---- */

/* The policy's rule at that place, where the policy of now is still the record's; or NULL. */
const struct rule *rule_of_now(const struct telling *t, struct slice place);
/* The rule at that place as it was written: the journal's, or that of the policy of now. False: it
 * cannot be had. */
bool rule_find_written(struct telling *t, struct slice place, struct journal_rule *ret);

/* What would have had to differ: { "say": …, "conditions": … }. */
json_t *differ_tell(struct telling *t);

/* ---- story_advice.c ---- */

/* What can be done about it, by what differ_tell has told (NULL allowed): an array of sentences. */
json_t *advice_tell(const json_t *differ);

/* ---- story_ending.c ---- */

/* Finds out what the story's reply is, and whose. */
void ending_find(struct telling *t);
/* Was it the greeting that the answer came in place of? Else somebody who had been greeted ended
 * before EHLO. */
bool ended_at_greeting(const struct journal_record *r);
/* What ended, and how, in one or two sentences. */
void ending_say(struct telling *t, struct buf *ret);
/* Whose reply it was to one recipient. */
enum author author_of_recipient(const struct journal_record *r, const struct journal_recipient *to);
/* The rule that did; empty where none did. */
struct slice rule_of_recipient(const struct journal_record *r, const struct journal_recipient *to);

/* ---- story_own.c ---- */

/* Why we give that reply of our own, and what would have to differ; NULL: it says nothing more. */
const char *own_reason(uint16_t code, struct slice enhanced, struct slice text);

/* ---- story_fact.c ---- */

/* The recorded facts of the whole and of the story's recipient, as an array. */
json_t *facts_tell(struct telling *t);

/* Reads the facts on record for fact_recorded, once the speaker is known; and frees them. */
void facts_keep(struct telling *t);
void facts_let_go(struct telling *t);

/* Did anything ask for the fact, or is it on record all the same? */
bool fact_was_asked(struct telling *t, const struct fact_use *use);
/* The value that a fact had by the record: a struct recall's function; `arg` is the telling. */
bool fact_recorded(void *arg, const struct fact_use *use, struct arena *arena, struct value *ret);
