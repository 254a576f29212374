/* What ended and how, in a sentence. */
#include <string.h>

#include "journal/story_impl.h"
#include "route/answer.h"

/* ---- whose reply ---- */

static enum author author_of(struct slice rule, uint16_t code, bool hop_reply)
{
    return rule.n > 0  ? AUTHOR_RULE
           : code == 0 ? AUTHOR_NONE
           : hop_reply ? AUTHOR_HOP
                       : AUTHOR_GATEPOST;
}

/* Was it answered at RCPT, or by the next hop for itself? Else it shares what became of the
 * message.
 */
static bool has_own_end(const struct journal_record *r, const struct journal_recipient *to)
{
    return to->phase.n > 0 || says(r->phase, "commit");
}

struct slice rule_of_recipient(const struct journal_record *r, const struct journal_recipient *to)
{
    return has_own_end(r, to) ? to->judgement.rule : r->judgement.rule;
}

enum author author_of_recipient(const struct journal_record *r, const struct journal_recipient *to)
{
    return author_of(rule_of_recipient(r, to), to->code, to->hop_reply);
}

static bool fired_in(const struct journal_judgement *j, struct slice place)
{
    for (size_t i = 0; i < j->fired_count; i++) {
        const struct slice label = j->fired[i];
        if (label.n > place.n && memcmp(label.p, place.p, place.n) == 0 &&
            label.p[place.n] == ' ') {
            return true;
        }
    }
    return false;
}

/* The recipient whose reply is that of the whole: where all were refused at RCPT. */
static const struct journal_recipient *spokesman(const struct journal_record *r)
{
    for (size_t i = 0; i < r->recipient_count; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        if (to->code == r->code && slice_eq(to->text, r->text)) {
            return to;
        }
    }
    return NULL;
}

static void take_reply(struct telling *t, enum author author, struct slice rule, uint16_t code,
                       struct slice enhanced, struct slice text)
{
    t->author = author;
    t->rule = rule;
    t->code = code;
    t->enhanced = enhanced;
    t->text = text;
}

static void take_whole(struct telling *t)
{
    const struct journal_record *r = t->r;

    take_reply(t, author_of(r->judgement.rule, r->code, r->hop_reply), r->judgement.rule, r->code,
               r->enhanced, r->text);
}

static void take_recipient(struct telling *t, const struct journal_recipient *to)
{
    take_reply(t, author_of_recipient(t->r, to), rule_of_recipient(t->r, to), to->code,
               to->enhanced, to->text);
}

void ending_find(struct telling *t)
{
    const struct journal_record *r = t->r;
    const struct journal_recipient *to = t->to != NULL            ? t->to
                                         : says(r->phase, "rcpt") ? spokesman(r)
                                                                  : NULL;
    const bool own = to != NULL && has_own_end(r, to);

    take_whole(t);
    t->speaker = to;
    if (own && (t->to != NULL || t->rule.n == 0)) {
        take_recipient(t, to);
    }
    t->pending = to != NULL && to->phase.n > 0 && t->rule.n > 0 &&
                 fired_in(&r->judgement, t->rule) && !fired_in(&to->judgement, t->rule);
    if (t->rule.n > 0) {
        (void)rule_find_written(t, t->rule, &t->written);
    }
}

/* ---- the sentence ---- */

static const char *phase_words(struct slice phase)
{
    static const char *const words[][2] = {
        {"connect", "before it was greeted"},
        {"helo", "at EHLO"},
        {"mail", "at MAIL"},
        {"rcpt", "at RCPT"},
        {"data", "while the message came in"},
        {"message", "when the message was there"},
        {"commit", "when the message was handed over"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (says(phase, words[i][0])) {
            return words[i][1];
        }
    }
    return "at a time that is not known";
}

/* "by rule gatepost.conf:23", "by the next hop smtp://…, in its own words" */
static void put_author(const struct telling *t, struct buf *ret)
{
    const struct slice hop = t->to != NULL && t->to->hop.hop.n > 0 ? t->to->hop.hop : t->r->hop.hop;

    switch (t->author) {
    case AUTHOR_RULE: buf_printf(ret, " by rule " SLICE_FMT, SLICE_ARG(t->rule)); break;
    case AUTHOR_HOP:
        buf_printf(ret, " by the next hop%s" SLICE_FMT ", in its own words", hop.n > 0 ? " " : "",
                   SLICE_ARG(hop));
        break;
    case AUTHOR_GATEPOST: buf_append_slice(ret, SLICE_LIT(" by Gatepost itself")); break;
    case AUTHOR_NONE: break;
    }
}

static void say_pending(const struct telling *t, struct buf *ret)
{
    if (!t->pending) {
        return;
    }
    buf_append_slice(ret, SLICE_LIT(" The rule had decided"));
    if (t->written.phase.n > 0) {
        buf_printf(ret, " at " SLICE_FMT, SLICE_ARG(t->written.phase));
    } else {
        buf_append_slice(ret, SLICE_LIT(" before RCPT"));
    }
    buf_append_slice(ret, SLICE_LIT(" already; its answer was kept for each RCPT, so that the "
                                    "recipients are known and postmaster can be reached."));
}

static const char *subject_of(const struct journal_record *r, const struct journal_recipient *to)
{
    if (!r->has_transaction) {
        return "The connection";
    }
    return to == NULL             ? "The message"
           : to->phase.n > 0      ? "The recipient"
           : r->timeline.data < 0 ? "The recipient"
                                  : "The message for this recipient";
}

/* Had all recipients of the story the message from an earlier try? */
static bool all_before(const struct telling *t)
{
    const struct journal_record *r = t->r;
    bool all = r->recipient_count > 0;

    if (t->to != NULL) {
        return t->to->delivered_before;
    }
    for (size_t i = 0; i < r->recipient_count; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        all = all && (to->delivered_before || to->phase.n > 0);
    }
    return all && says(r->note, "delivered before");
}

/* Of a message that was accepted: that it was not for all. */
static void say_others(const struct telling *t, struct buf *ret)
{
    const struct journal_record *r = t->r;
    const struct journal_recipient *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < r->recipient_count && t->to == NULL; i++) {
        if (!says(r->recipients[i].verdict, "accepted")) {
            first = first != NULL ? first : &r->recipients[i];
            count++;
        }
    }
    if (first != NULL) {
        buf_printf(
            ret,
            " Not so for %zu of %zu recipients: with its number behind the id, as in " SLICE_FMT
            ".%u, each has its own story.",
            count, r->recipient_count, SLICE_ARG(r->id), first->number);
    }
}

static void say_accepted(const struct telling *t, struct buf *ret)
{
    const struct slice hop = t->to != NULL && t->to->hop.hop.n > 0 ? t->to->hop.hop : t->r->hop.hop;

    if (all_before(t)) {
        buf_append_slice(ret, SLICE_LIT("Accepted: an earlier try had delivered the message "
                                        "already, so it was not delivered again."));
        return;
    }
    buf_printf(ret,
               "Accepted: the next hop%s" SLICE_FMT " took the message, and the client was told "
               "its yes.",
               hop.n > 0 ? " " : "", SLICE_ARG(hop));
    if (says(t->r->note, "delivered before") && t->to == NULL) {
        buf_append_slice(ret, SLICE_LIT(" Some recipients had it from an earlier try and did not "
                                        "get it twice."));
    }
    say_others(t, ret);
}

bool ended_at_greeting(const struct journal_record *r)
{
    return says(r->phase, "connect") && (r->timeline.greeted < 0 || r->judgement.rule.n > 0);
}

static void say_refused(const struct telling *t, const char *what, struct buf *ret)
{
    const struct journal_record *r = t->r;
    const struct slice phase = t->to != NULL && t->to->phase.n > 0 ? t->to->phase : r->phase;

    buf_printf(ret, "%s was %s", subject_of(r, t->to), what);
    put_author(t, ret);
    buf_printf(ret, ", %s.",
               says(phase, "connect") && !ended_at_greeting(r) ? "before EHLO"
                                                               : phase_words(phase));
    if (says(r->note, "dropped")) {
        buf_append_slice(ret, SLICE_LIT(" The connection was closed without a word."));
    }
    say_pending(t, ret);
}

static void say_deferred(const struct telling *t, struct buf *ret)
{
    const int own = reply_find(t->code, t->enhanced, t->text);

    if (says(t->r->note, "answer late") || own == REPLY_UNKNOWN_OUTCOME) {
        buf_append_slice(ret,
                         SLICE_LIT("In doubt: the next hop had been sent all of the message, and "
                                   "no answer came while the client was there. The client was "
                                   "asked to try again."));
        return;
    }
    if (t->code == 421) {
        say_refused(t, "put off, and closed,", ret);
    } else {
        say_refused(t, "put off", ret);
    }
    buf_append_slice(ret, SLICE_LIT(" A mail server tries again later."));
}

/* Of what came to no verdict: that something before was answered with an error. */
static void say_error(const struct telling *t, struct buf *ret)
{
    if (t->code >= 400) {
        buf_append_slice(ret, SLICE_LIT(" Before that, what the client said was answered with an "
                                        "error."));
    }
}

/* Does the label's action, its last word, keep an answer for RCPT? */
static bool keeps_answer(struct slice label)
{
    const char *blank = label.n > 0 ? memrchr(label.p, ' ', label.n) : NULL;
    const struct slice action =
        blank != NULL ? (struct slice){blank + 1, (size_t)(label.p + label.n - blank - 1)} : label;

    return says(action, "reject") || says(action, "defer");
}

/* Of what came to no RCPT: whose answer was kept for it. */
static void say_kept(const struct telling *t, struct buf *ret)
{
    const struct journal_judgement *j = &t->r->judgement;

    for (size_t i = 0; i < j->fired_count && t->r->recipient_count == 0; i++) {
        if (keeps_answer(j->fired[i])) {
            buf_printf(ret, " The answer of " SLICE_FMT " was kept for RCPT, which did not come.",
                       SLICE_ARG(j->fired[i]));
            return;
        }
    }
}

static void say_gone(const struct telling *t, struct buf *ret)
{
    buf_append_slice(ret, SLICE_LIT("The client gave up or went away"));
    if (says(t->r->note, "ended before RCPT")) {
        buf_append_slice(ret, SLICE_LIT(" after MAIL, before it named a recipient"));
    } else if (says(t->r->note, "ended before the message was judged")) {
        buf_append_slice(ret, SLICE_LIT(" while the message, which had come whole, was judged"));
    } else if (says(t->r->note, "ended before the message did")) {
        buf_append_slice(ret, t->r->timeline.data < 0
                                  ? SLICE_LIT(" after RCPT, before it sent the message")
                                  : SLICE_LIT(" before all of the message was there"));
    } else if (says(t->r->note, "ended before the commit")) {
        buf_append_slice(ret, SLICE_LIT(" while the message was being handed over, before its last "
                                        "octet"));
    }
    buf_append_slice(ret, SLICE_LIT(": nobody got the message, and it was not answered."));
    say_error(t, ret);
    say_kept(t, ret);
}

static void say_ended(const struct telling *t, struct buf *ret)
{
    const struct journal_record *r = t->r;

    if (r->early && r->timeline.greeted < 0) {
        buf_append_slice(ret,
                         SLICE_LIT("The client spoke before it was greeted, and was gone before "
                                   "it could be."));
    } else if (says(r->note, "client went away")) {
        buf_printf(ret, "The client went away %s, without a transaction.",
                   r->timeline.greeted < 0 ? "before it was greeted" : "without QUIT");
    } else if (r->note.n > 0) {
        buf_printf(ret, "The connection ended without a transaction: " SLICE_FMT ".",
                   SLICE_ARG(r->note));
    } else if (t->code >= 400) {
        buf_append_slice(ret, SLICE_LIT("The connection ended in order, without a transaction."));
    } else {
        buf_append_slice(ret, SLICE_LIT("The connection ended in order, without a transaction and "
                                        "without a refusal."));
    }
    say_error(t, ret);
    say_kept(t, ret);
}

void ending_say(struct telling *t, struct buf *ret)
{
    const struct slice verdict = t->to != NULL ? t->to->verdict : t->r->verdict;

    if (says(verdict, "accepted")) {
        say_accepted(t, ret);
    } else if (says(verdict, "refused")) {
        say_refused(t, "refused", ret);
    } else if (says(verdict, "deferred")) {
        say_deferred(t, ret);
    } else if (says(verdict, "gone")) {
        say_gone(t, ret);
    } else if (says(verdict, "ended")) {
        say_ended(t, ret);
    } else {
        buf_printf(ret, "It ended as \"" SLICE_FMT "\".", SLICE_ARG(verdict));
    }
}
