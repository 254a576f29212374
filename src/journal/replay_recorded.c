/* What the policy that made a record did: read off the rules that fired and the replies. */
#include <string.h>

#include "journal/replay.h"
#include "route/answer.h"

const char *replay_verdict_name(enum replay_verdict verdict)
{
    static const char *const names[] = {
        [REPLAY_NOT_ASKED] = "not asked", [REPLAY_PASSED] = "passed",
        [REPLAY_JUNKED] = "junked",       [REPLAY_DEFERRED] = "deferred",
        [REPLAY_REFUSED] = "refused",     [REPLAY_DROPPED] = "dropped",
    };
    return names[verdict];
}

const char *replay_gap_name(enum replay_gap gap)
{
    static const char *const names[] = {
        [REPLAY_LACKING] = "not recorded",
        [REPLAY_CUT] = "cut",
        [REPLAY_ELSEWHERE] = "of another moment",
    };
    return names[gap];
}

bool replay_differs(const struct replay_outcome *then, const struct replay_outcome *now)
{
    return then->verdict != now->verdict && then->verdict != REPLAY_NOT_ASKED &&
           now->verdict != REPLAY_NOT_ASKED;
}

/* ---- replies of ours that are not the policy's ---- */

static bool says(uint16_t code, struct slice text, enum reply_name name)
{
    const struct answer a = reply_answer(name);
    return code == a.code && slice_eq(text, a.text);
}

bool replay_rcpt_was_built_in(const struct journal_recipient *r)
{
    static const enum reply_name built_in[] = {REPLY_NO_ROUTE, REPLY_RELAY_TRICK, REPLY_MANY_RCPT};
    bool found = false;

    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]) && !found; i++) {
        found = says(r->code, r->text, built_in[i]);
    }
    return found && r->judgement.rule.n == 0;
}

static bool is_negative(const struct journal_record *r)
{
    return r->code >= 400;
}

/* Too big by what it declares. */
bool replay_mail_was_built_in(const struct journal_record *r)
{
    return r->has_transaction && r->recipient_count == 0 && r->judgement.rule.n == 0 &&
           says(r->code, r->text, REPLY_SIZE_DECLARED);
}

/* A connection that had no place, or no PROXY header where it needs one. */
bool replay_was_turned_away(const struct journal_record *r)
{
    static const struct slice proxy[] = {SLICE_LIT("proxy went away"),
                                         SLICE_LIT("no PROXY header")};
    if (r->has_transaction || !slice_eq(r->phase, SLICE_LIT("connect")) ||
        r->judgement.rule.n > 0) {
        return false;
    }
    return slice_eq(r->note, proxy[0]) || slice_eq(r->note, proxy[1]) ||
           (is_negative(r) && r->timeline.greeted < 0);
}

/* ---- rules ---- */

/* What a rule does, by the last word of its label. */
static enum replay_verdict verdict_of(struct slice label)
{
    static const struct {
        struct slice action;
        enum replay_verdict verdict;
    } verdicts[] = {
        {SLICE_LIT("reject"), REPLAY_REFUSED},
        {SLICE_LIT("defer"), REPLAY_DEFERRED},
        {SLICE_LIT("drop"), REPLAY_DROPPED},
        {SLICE_LIT("junk"), REPLAY_JUNKED},
    };
    const char *blank = label.n > 0 ? memrchr(label.p, ' ', label.n) : NULL;

    for (size_t i = 0; blank != NULL && i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (slice_eq((struct slice){blank + 1, (size_t)(label.p + label.n - blank - 1)},
                     verdicts[i].action)) {
            return verdicts[i].verdict;
        }
    }
    return REPLAY_PASSED;
}

/* Is it the label of a rule at that place? */
static bool is_at(struct slice label, struct slice place)
{
    return label.n > place.n && label.p[place.n] == ' ' && memcmp(label.p, place.p, place.n) == 0;
}

/* Of the rules that fired the first that kept the client out, or the first that did `junk`. */
static struct replay_outcome of_fired(const struct journal_judgement *j, bool junk)
{
    for (size_t i = 0; i < j->fired_count; i++) {
        const enum replay_verdict v = verdict_of(j->fired[i]);
        if (junk ? v == REPLAY_JUNKED : v > REPLAY_JUNKED) {
            return (struct replay_outcome){v, j->fired[i]};
        }
    }
    return (struct replay_outcome){REPLAY_PASSED, {"", 0}};
}

/* Of the rule that gave the reply, in whose ruling ever it fired; by the reply where it is not
 * among them. */
static struct replay_outcome of_rule(struct slice place, uint16_t code,
                                     const struct journal_judgement *const *where, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = where[i]->fired_count; k-- > 0;) {
            const enum replay_verdict v = verdict_of(where[i]->fired[k]);
            if (v > REPLAY_JUNKED && is_at(where[i]->fired[k], place)) {
                return (struct replay_outcome){v, where[i]->fired[k]};
            }
        }
    }
    return (struct replay_outcome){code == 0    ? REPLAY_DROPPED
                                   : code < 500 ? REPLAY_DEFERRED
                                                : REPLAY_REFUSED,
                                   place};
}

static struct replay_outcome of_recipient(const struct journal_record *r,
                                          const struct journal_recipient *to)
{
    const struct journal_judgement *const where[] = {&to->judgement, &r->judgement};

    if (to->judgement.rule.n > 0) {
        return of_rule(to->judgement.rule, to->code, where, 2);
    }
    if (replay_rcpt_was_built_in(to)) {
        return (struct replay_outcome){REPLAY_NOT_ASKED, {"", 0}};
    }
    return of_fired(&to->judgement, true);
}

/* A rule that ended the session at RCPT ended the transaction with it. */
static bool ended_all(const struct journal_recipient *to, struct replay_outcome o)
{
    return o.verdict == REPLAY_DROPPED || (to->judgement.rule.n > 0 && to->code == 421);
}

static struct replay_outcome of_message(const struct journal_record *r)
{
    const struct journal_judgement *const where[] = {&r->judgement};

    if (!r->has_message) {
        return (struct replay_outcome){REPLAY_NOT_ASKED, {"", 0}};
    }
    return r->judgement.rule.n > 0 ? of_rule(r->judgement.rule, r->code, where, 1)
                                   : of_fired(&r->judgement, true);
}

void replay_recorded(const struct journal_record *r, struct arena *arena,
                     struct replay_outcomes *ret)
{
    struct replay_outcome *recipients =
        arena_alloc(arena, r->recipient_count * sizeof(*recipients));
    struct replay_outcome whole;

    ret->recipients = recipients;
    ret->unheard = r->judgement.rule.n == 0;
    for (size_t i = 0; i < r->recipient_count; i++) {
        recipients[i] = of_recipient(r, &r->recipients[i]);
    }
    if (replay_was_turned_away(r)) {
        ret->whole = (struct replay_outcome){REPLAY_NOT_ASKED, {"", 0}};
        return;
    }
    whole = replay_sum_up(of_fired(&r->judgement, false), recipients, r->recipient_count,
                          of_message(r));
    for (size_t i = 0; i < r->recipient_count; i++) {
        if (ended_all(&r->recipients[i], recipients[i])) {
            whole = recipients[i];
        }
    }
    ret->whole = whole;
}

/* ---- the parts and the whole ---- */

struct replay_outcome replay_sum_up(struct replay_outcome before,
                                    const struct replay_outcome *recipients, size_t count,
                                    struct replay_outcome message)
{
    const struct replay_outcome *first = NULL, *deferred = NULL, *junked = NULL;
    bool passes = false;

    for (size_t i = 0; i < count; i++) {
        const struct replay_outcome *o = &recipients[i];
        if (o->verdict == REPLAY_NOT_ASKED) {
            continue;
        }
        first = first != NULL ? first : o;
        passes = passes || o->verdict == REPLAY_PASSED;
        deferred = deferred == NULL && o->verdict == REPLAY_DEFERRED ? o : deferred;
        junked = junked == NULL && o->verdict == REPLAY_JUNKED ? o : junked;
    }
    if (first == NULL) {
        return before;
    }
    if (!passes && junked == NULL) {
        return deferred != NULL ? *deferred : *first;
    }
    if (message.verdict > REPLAY_PASSED) {
        return message;
    }
    return passes ? (struct replay_outcome){REPLAY_PASSED, {"", 0}} : *junked;
}
