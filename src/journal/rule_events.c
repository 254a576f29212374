/* See rule_events.h. */
#include "journal/rule_events.h"

#include <errno.h>
#include <string.h>

#include "parse/ascii.h"
#include "parse/sender_form.h"

enum rule_effect rule_effect_of(struct slice label)
{
    static const struct {
        struct slice action;
        enum rule_effect effect;
    } effects[] = {
        {SLICE_LIT(" reject"), RULE_REFUSES}, {SLICE_LIT(" drop"), RULE_REFUSES},
        {SLICE_LIT(" defer"), RULE_DEFERS},   {SLICE_LIT(" doubt"), RULE_DOUBTS},
        {SLICE_LIT(" ban"), RULE_BANS},
    };

    for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
        const struct slice action = effects[i].action;
        if (label.n > action.n && memcmp(label.p + label.n - action.n, action.p, action.n) == 0) {
            return effects[i].effect;
        }
    }
    return RULE_HAS_NO_EFFECT;
}

/* ---- writing ---- */

static void put(const struct rule_events *w, const void *p, size_t n)
{
    (void)fwrite(p, 1, n, w->to);
}

static void put_text(const struct rule_events *w, struct slice text)
{
    const uint32_t n = (uint32_t)text.n;

    put(w, &n, sizeof(n));
    put(w, text.p, n);
}

static uint32_t index_of(struct replay_tally *t, struct slice policy, struct slice label)
{
    return (uint32_t)(tally_row_of(t, &t->then, policy, label) - t->then.rows);
}

static uint64_t hash_of(const struct rule_events *w, struct slice text)
{
    return siphash24(w->secret, (const uint8_t *)text.p, text.n);
}

/* Of a record that was written before records had names, its network alone. */
static void add_client(const struct rule_events *w, const struct journal_record *r,
                       struct rule_event *e)
{
    char name[sizeof("network ") + ADDR_TEXT_MAX + 4], text[ADDR_TEXT_MAX];
    struct addr client;

    if (addr_parse(r->client, &client) < 0) {
        return;
    }
    client = addr_network(&client);
    const int n = snprintf(name, sizeof(name), "network %s/%d", addr_format(&client, text),
                           client.family == ADDR_V4 ? 24 : 64);
    e->names[e->head.names++] = hash_of(w, (struct slice){name, (size_t)n});
}

/* Those that are networks, or those that are not. */
static void add_those(const struct rule_events *w, const struct journal_record *r, bool networks,
                      struct rule_event *e)
{
    struct slice rest;

    for (size_t i = 0; i < r->name_count; i++) {
        if (slice_prefix(r->names[i], "network ", &rest) == networks) {
            e->names[e->head.names++] = hash_of(w, r->names[i]);
        }
    }
}

static void add_names(const struct rule_events *w, const struct journal_record *r,
                      struct rule_event *e)
{
    if (r->name_count == 0) {
        add_client(w, r, e);
        return;
    }
    add_those(w, r, false, e);
    e->head.vouched = e->head.names;
    add_those(w, r, true, e);
}

static void add_hit(struct replay_tally *t, const struct journal_record *r, struct slice label,
                    bool observed, struct rule_event *e)
{
    const enum rule_effect effect = rule_effect_of(label);

    if (effect == RULE_HAS_NO_EFFECT || e->head.hits == EVENT_HITS_MAX) {
        return;
    }
    const uint32_t rule = index_of(t, r->policy, label);
    for (size_t i = 0; i < e->head.hits; i++) {
        if (e->hits[i].rule == rule) {
            e->hits[i].observed = e->hits[i].observed && observed;
            return;
        }
    }
    e->hits[e->head.hits++] = (struct event_hit){rule, (uint8_t)effect, observed, false, 0};
}

static void add_hits(struct replay_tally *t, const struct journal_record *r,
                     const struct journal_judgement *j, struct rule_event *e)
{
    for (size_t i = 0; i < j->fired_count; i++) {
        add_hit(t, r, j->fired[i], false, e);
    }
    for (size_t i = 0; i < j->observed_count; i++) {
        add_hit(t, r, j->observed[i], true, e);
    }
}

/* The rule gave the reply. */
static void note_decided(struct replay_tally *t, const struct journal_record *r,
                         const struct journal_judgement *j, struct rule_event *e)
{
    const struct slice *label = replay_tally_decider(r, j);

    if (label == NULL) {
        return;
    }
    const uint32_t rule = index_of(t, r->policy, *label);
    for (size_t i = 0; i < e->head.hits; i++) {
        e->hits[i].decided = e->hits[i].decided || e->hits[i].rule == rule;
    }
}

static uint64_t pair_of(const struct rule_events *w, struct slice sender, struct slice mailbox)
{
    char text[SENDER_FORM_MAX + 1 + 320], form[SENDER_FORM_MAX];
    const struct slice from = sender_form(sender, form);
    size_t n = 0;

    memcpy(text, from.p, from.n);
    n += from.n;
    text[n++] = '\0';
    const size_t rest = mailbox.n < sizeof(text) - n ? mailbox.n : sizeof(text) - n;
    ascii_lower_copy(text + n, mailbox.p, rest);
    return hash_of(w, (struct slice){text, n + rest});
}

/* The rule that deferred him; NULL: none did. Whose RCPT was answered yes shared the message's
 * fate. */
static const struct slice *deferred_by(const struct journal_record *r,
                                       const struct journal_recipient *to)
{
    const struct journal_judgement *j =
        to->judgement.rule.n > 0 || to->phase.n > 0 ? &to->judgement : &r->judgement;
    const struct slice *label =
        slice_eq(to->verdict, SLICE_LIT("deferred")) ? replay_tally_decider(r, j) : NULL;

    return label != NULL && rule_effect_of(*label) == RULE_DEFERS ? label : NULL;
}

static void add_recipients(const struct rule_events *w, struct replay_tally *t,
                           const struct journal_record *r, struct rule_event *e)
{
    for (size_t i = 0; i < r->recipient_count && e->head.rcpts < EVENT_RCPT_MAX; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        const struct slice *label = deferred_by(r, to);
        if (label == NULL && !slice_eq(to->verdict, SLICE_LIT("accepted"))) {
            continue;
        }
        e->rcpts[e->head.rcpts++] =
            (struct event_rcpt){pair_of(w, r->sender, to->mailbox),
                                label != NULL ? index_of(t, r->policy, *label) : EVENT_NO_RULE, 0};
    }
}

static void put_rules(struct rule_events *w, const struct replay_tally *t)
{
    for (; w->told < t->then.count; w->told++) {
        put_text(w, t->then.rows[w->told].of);
        put_text(w, t->then.rows[w->told].name);
    }
}

void rule_events_put(struct rule_events *w, struct replay_tally *t, const struct journal_record *r)
{
    struct rule_event e;

    e.head = (struct event_head){.time = (uint64_t)r->time,
                                 .accepted = slice_eq(r->verdict, SLICE_LIT("accepted"))};
    add_names(w, r, &e);
    add_hits(t, r, &r->judgement, &e);
    for (size_t i = 0; i < r->recipient_count; i++) {
        add_hits(t, r, &r->recipients[i].judgement, &e);
    }
    note_decided(t, r, &r->judgement, &e);
    for (size_t i = 0; i < r->recipient_count; i++) {
        note_decided(t, r, &r->recipients[i].judgement, &e);
    }
    add_recipients(w, t, r, &e);
    if (e.head.hits == 0 && e.head.rcpts == 0) {
        return;
    }
    e.head.rules = (uint32_t)(t->then.count - w->told);
    put(w, &e.head, sizeof(e.head));
    put_rules(w, t);
    put(w, e.names, e.head.names * sizeof(e.names[0]));
    put(w, e.hits, e.head.hits * sizeof(e.hits[0]));
    put(w, e.rcpts, e.head.rcpts * sizeof(e.rcpts[0]));
}

/* ---- reading ---- */

static bool take(FILE *from, void *to, size_t n)
{
    return fread(to, 1, n, from) == n;
}

/* Into `room`, from its end what is longer is dropped: no label is. */
static bool take_text(FILE *from, struct buf *room, struct slice *ret)
{
    const size_t at = room->n;
    uint32_t n;

    if (!take(from, &n, sizeof(n)) || !take(from, buf_reserve(room, n), n)) {
        return false;
    }
    room->n += n;
    *ret = (struct slice){room->p + at, n};
    return true;
}

static bool take_rule(FILE *from, void (*rule)(void *arg, struct slice policy, struct slice label),
                      void *arg)
{
    struct buf policy_room = {0}, label_room = {0};
    struct slice policy, label;
    const bool good =
        take_text(from, &policy_room, &policy) && take_text(from, &label_room, &label);

    if (good) {
        rule(arg, policy, label);
    }
    buf_free(&policy_room);
    buf_free(&label_room);
    return good;
}

int rule_event_next(FILE *from, struct rule_event *ret,
                    void (*rule)(void *arg, struct slice policy, struct slice label), void *arg)
{
    struct event_head *head = &ret->head;
    const size_t n = fread(head, 1, sizeof(*head), from);

    if (n == 0 && feof(from)) {
        return 0;
    }
    if (n != sizeof(*head) || head->names > JOURNAL_NAMES_MOST || head->hits > EVENT_HITS_MAX ||
        head->rcpts > EVENT_RCPT_MAX) {
        return -EBADMSG;
    }
    for (unsigned i = 0; i < head->rules; i++) {
        if (!take_rule(from, rule, arg)) {
            return -EBADMSG;
        }
    }
    return take(from, ret->names, head->names * sizeof(ret->names[0])) &&
                   take(from, ret->hits, head->hits * sizeof(ret->hits[0])) &&
                   take(from, ret->rcpts, head->rcpts * sizeof(ret->rcpts[0]))
               ? 1
               : -EBADMSG;
}
