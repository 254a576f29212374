/* Decision ids (base/decision_id.h) in a text that somebody has pasted: a bounce, a line of another
 * server's log, or an id as it was typed.
 *
 * What came by mail may have been folded over lines, quoted with ">", or encoded
 * (see parse/mail_undo.h); what was typed has letters that the alphabet does not have.
 * Whether there ever was such a decision is not for this file to know: it finds all that may be
 * one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/decision_id.h"
#include "base/slice.h"

struct decision_mention {
    char connection[DECISION_ID_LEN + 1]; /* in the alphabet's own letters */
    bool has_transaction;
    unsigned transaction; /* 0: the connection itself */
    unsigned recipient;   /* from 1; 0: none is named */
    bool in_brackets;     /* as our replies have it at their end */
};

/* Of a text no more is looked at. */
#define DECISION_MENTION_TEXT_MOST ((size_t)4 << 20)

/* Finds at most `most` of them, each once: first those in brackets, then those with a transaction's
 * number, then words of fourteen letters that could be one; of a kind in the order of the text.
 * Returns how many. Works in time linear in the text. */
size_t decision_mentions(struct slice text, struct decision_mention *ret, size_t most);
