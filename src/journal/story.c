/* A story put together: its members, in the order in which they are told. */
#include "journal/story.h"

#include "journal/story_impl.h"

/* Recipients that are told of one by one. */
#define RECIPIENTS_MOST 100

static void append(json_t *array, json_t *value)
{
    (void)json_array_append_new(array, value);
}

/* ---- who ---- */

static json_t *tell_client(const struct journal_record *r)
{
    json_t *client = json_object();

    data_put_some(client, "address", r->client);
    if (r->port > 0) {
        data_put(client, "port", json_integer(r->port));
    }
    data_put_some(client, "helo", r->helo);
    data_put_some(client, "protocol", r->protocol);
    data_put_some(client, "tls", r->tls);
    data_put_some(client, "local", r->local);
    data_put_some(client, "listener", r->listener);
    if (r->early) {
        data_put(client, "early", json_true());
    }
    data_put_some(client, "unpipelined", r->unpipelined);
    if (r->name_count > 0) {
        json_t *names = json_array();
        for (size_t i = 0; i < r->name_count; i++) {
            append(names, data_text(r->names[i]));
        }
        data_put(client, "names", names);
    }
    return client;
}

/* "550 5.1.1 no such user"; empty without a code. A text may hold any octet. */
static struct slice reply_text(struct arena *arena, uint16_t code, struct slice enhanced,
                               struct slice text)
{
    struct buf reply = {0};

    if (code == 0) {
        return (struct slice){"", 0};
    }
    buf_printf(&reply, "%u ", code);
    buf_append_slice(&reply, enhanced);
    buf_append(&reply, " ", enhanced.n > 0 ? 1 : 0);
    buf_append_slice(&reply, text);
    const struct slice kept = arena_copy(arena, buf_slice(&reply));
    buf_free(&reply);
    return kept;
}

static const char *author_words(enum author author)
{
    switch (author) {
    case AUTHOR_RULE: return "rule";
    case AUTHOR_HOP: return "next hop";
    case AUTHOR_GATEPOST: return "gatepost";
    case AUTHOR_NONE: break;
    }
    return NULL;
}

static json_t *tell_recipient(struct telling *t, const struct journal_recipient *to)
{
    json_t *object = json_object();
    const char *by = author_words(author_of_recipient(t->r, to));

    data_put(object, "number", json_integer(to->number));
    data_put_text(object, "recipient", to->mailbox);
    data_put_some(object, "verdict", to->verdict);
    data_put_some(object, "phase", to->phase);
    data_put_some(object, "reply", reply_text(&t->arena, to->code, to->enhanced, to->text));
    if (by != NULL) {
        data_put(object, "by", json_string(by));
    }
    data_put_some(object, "rule", rule_of_recipient(t->r, to));
    data_put_some(object, "hop", to->hop.hop);
    if (to->delivered_before) {
        data_put(object, "delivered_before", json_true());
    }
    if (to->judgement.doubt != 0) {
        data_put(object, "doubt", json_integer(to->judgement.doubt));
        data_put_some(object, "why", to->judgement.why);
    }
    return object;
}

static json_t *tell_recipients(struct telling *t)
{
    const struct journal_record *r = t->r;
    json_t *array = json_array();
    size_t told = 0;

    for (size_t i = 0; i < r->recipient_count && told < RECIPIENTS_MOST; i++) {
        if (t->to == NULL || t->to == &r->recipients[i]) {
            append(array, tell_recipient(t, &r->recipients[i]));
            told++;
        }
    }
    return array;
}

static void tell_who(struct telling *t, json_t *story)
{
    const struct journal_record *r = t->r;

    data_put(story, "client", tell_client(r));
    if (!r->has_transaction) {
        return;
    }
    data_put_text(story, "sender", r->sender);
    data_put(story, "recipients", tell_recipients(t));
    if (t->to == NULL && r->recipient_count > RECIPIENTS_MOST) {
        data_put(story, "recipients_unshown",
                 json_integer((json_int_t)(r->recipient_count - RECIPIENTS_MOST)));
    }
    data_put(story, "size", json_integer((json_int_t)r->size));
}

/* ---- the timeline ---- */

static void put_step(json_t *timeline, usec_t at, struct slice what)
{
    json_t *step = json_object();
    size_t i = 0;

    if (at < 0) {
        json_decref(step);
        return;
    }
    while (i < json_array_size(timeline) &&
           json_integer_value(json_object_get(json_array_get(timeline, i), "at_us")) <= at) {
        i++;
    }
    data_put(step, "at_us", json_integer(at));
    data_put_text(step, "what", what);
    (void)json_array_insert_new(timeline, i, step);
}

static void put_recipient_steps(struct telling *t, json_t *timeline)
{
    const struct journal_record *r = t->r;

    for (size_t i = 0; i < r->recipient_count && i < RECIPIENTS_MOST; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        if (t->to == NULL || t->to == to) {
            put_step(
                timeline, to->at,
                arena_printf(&t->arena, "RCPT TO:<" SLICE_FMT "> came", SLICE_ARG(to->mailbox)));
        }
    }
}

/* Is the reply that of the end? Of one who went before it, it is only the last that was said. */
static bool was_answered(const struct journal_record *r)
{
    return r->code != 0 && !says(r->verdict, "ended") && !says(r->verdict, "gone");
}

static struct slice greeting_words(const struct journal_record *r)
{
    if (ended_at_greeting(r) && was_answered(r)) {
        return SLICE_LIT("answered, in place of a greeting");
    }
    return r->timeline.greeted >= USEC_SEC ? SLICE_LIT("greeted, after waiting")
                                           : SLICE_LIT("greeted");
}

static struct slice hand_over_words(struct telling *t)
{
    static const char handed[] = "handed to the next hop, but for its end";
    unsigned removed = t->r->removed;

    return removed == 0 ? slice_of(handed)
                        : arena_printf(&t->arena, "%s, without %u forged field%s", handed, removed,
                                       removed == 1 ? "" : "s");
}

static json_t *tell_timeline(struct telling *t)
{
    const struct journal_record *r = t->r;
    const struct journal_timeline *at = &r->timeline;
    json_t *timeline = json_array();

    put_step(timeline, 0, SLICE_LIT("connected"));
    put_step(timeline, at->greeted, greeting_words(r));
    put_step(timeline, at->helo,
             arena_printf(&t->arena, "EHLO or HELO came: " SLICE_FMT, SLICE_ARG(r->helo)));
    put_step(timeline, at->mail,
             arena_printf(&t->arena, "MAIL FROM:<" SLICE_FMT "> came", SLICE_ARG(r->sender)));
    put_recipient_steps(t, timeline);
    if (t->to != NULL && t->to->phase.n > 0) {
        return timeline; /* what came later was about others */
    }
    put_step(timeline, at->data, SLICE_LIT("the message began to come in"));
    put_step(timeline, at->received,
             arena_printf(&t->arena, "all of the message was there, %llu octets; it was judged",
                          (unsigned long long)r->size));
    put_step(timeline, at->committed, hand_over_words(t));
    put_step(timeline, at->decided,
             was_answered(r) ? SLICE_LIT("decided and answered") : SLICE_LIT("decided"));
    return timeline;
}

/* ---- rules ---- */

struct rule_list {
    struct telling *t;
    json_t *array;
};

static struct slice place_of(struct slice label)
{
    const char *blank = label.n > 0 ? memrchr(label.p, ' ', label.n) : NULL;

    return blank != NULL ? (struct slice){label.p, (size_t)(blank - label.p)} : label;
}

/* What an observed rule would have done, by the last word of its label; NULL: nothing that a client
 * sees. */
static const char *would_have(struct slice label)
{
    static const char *const words[][2] = {
        {"reject", "refused it"},
        {"defer", "put it off"},
        {"drop", "closed the connection"},
        {"junk", "marked the message as junk"},
        {"pass", "ended the phase"},
        {"trust", "trusted it, and ended the phases through rcpt"},
        {"mark", "added its field to the message"},
        {"ban", "banned the client's address"},
        {"doubt", "added to the doubt"},
        {"wait", "made the client wait"},
    };
    const struct slice place = place_of(label);
    const struct slice action = {label.p + place.n + (place.n < label.n),
                                 label.n - place.n - (place.n < label.n)};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (says(action, words[i][0])) {
            return words[i][1];
        }
    }
    return NULL;
}

static void put_rule(struct rule_list *list, struct slice label, const char *what,
                     unsigned recipient)
{
    struct journal_rule written = {0};
    json_t *rule = json_object();

    data_put_text(rule, "rule", label);
    data_put(rule, "what", json_string(what));
    if (recipient > 0) {
        data_put(rule, "recipient", json_integer(recipient));
    }
    const char *would = strcmp(what, "observed") == 0 ? would_have(label) : NULL;
    if (would != NULL) {
        data_put(rule, "would_have", json_string(would));
    }
    if (rule_find_written(list->t, place_of(label), &written)) {
        data_put_some(rule, "phase", written.phase);
        data_put_some(rule, "text", written.text);
    }
    append(list->array, rule);
}

static void put_rules(struct rule_list *list, const struct journal_judgement *j, unsigned recipient)
{
    for (size_t i = 0; i < j->fired_count; i++) {
        put_rule(list, j->fired[i], "fired", recipient);
    }
    for (size_t i = 0; i < j->observed_count; i++) {
        put_rule(list, j->observed[i], "observed", recipient);
    }
}

static json_t *tell_rules(struct telling *t)
{
    const struct journal_record *r = t->r;
    struct rule_list list = {t, json_array()};

    put_rules(&list, &r->judgement, 0);
    for (size_t i = 0; i < r->recipient_count && i < RECIPIENTS_MOST; i++) {
        if (t->to == NULL || t->to == &r->recipients[i]) {
            put_rules(&list, &r->recipients[i].judgement, r->recipients[i].number);
        }
    }
    return list.array;
}

static void tell_decided(struct telling *t, json_t *story)
{
    const struct journal_judgement *j = t->to != NULL ? &t->to->judgement : &t->r->judgement;

    if (t->rule.n > 0) {
        json_t *decided = json_object();
        data_put_text(decided, "rule", t->rule);
        data_put_some(decided, "phase", t->written.phase);
        data_put_some(decided, "text", t->written.text);
        if (t->pending) {
            data_put(decided, "pending", json_true());
        }
        data_put(story, "decided", decided);
    }
    if (j->doubt != 0) {
        data_put(story, "doubt", json_integer(j->doubt));
        data_put_some(story, "why", j->why);
    }
}

/* ---- what was said ---- */

static void tell_reply(struct telling *t, json_t *story)
{
    const struct slice reply = reply_text(&t->arena, t->code, t->enhanced, t->text);

    if (reply.n == 0) {
        return;
    }
    const char *by = author_words(t->author);
    data_put_text(story, "told", reply);
    if (t->code >= 400) {
        /* As reply.c writes it behind the text. */
        const struct journal_recipient *to = t->speaker;
        struct slice id = t->r->id;
        if (to != NULL && to->phase.n > 0) {
            id = arena_printf(&t->arena, SLICE_FMT ".%u", SLICE_ARG(id), to->number);
        }
        data_put_text(story, "told_id", id);
    }
    if (by != NULL) {
        data_put(story, "by", json_string(by));
    }
}

static void tell_hop(struct telling *t, json_t *story)
{
    const struct journal_hop *hop =
        t->to != NULL && t->to->hop.hop.n > 0 ? &t->to->hop : &t->r->hop;
    json_t *object = json_object();

    data_put_some(object, "name", hop->hop);
    data_put_some(object, "failed", hop->failed);
    data_put_some(object, "tls", hop->tls);
    data_put_some(object, "tls_unused", hop->tls_unused);
    data_put_some(object, "xclient_unused", hop->xclient_unused);
    if (t->author == AUTHOR_HOP) {
        data_put_some(object, "said", reply_text(&t->arena, t->code, t->enhanced, t->text));
    }
    if (json_object_size(object) > 0) {
        data_put(story, "next_hop", object);
    } else {
        json_decref(object);
    }
}

static json_t *tell_connection(const struct story *s)
{
    json_t *array = json_array();

    for (size_t i = 0; i < s->connection_count; i++) {
        const struct journal_record *r = &s->connection[i];
        char time[TIME_RFC3339_MAX];
        json_t *other = json_object();
        time_format_rfc3339(r->time, time);
        data_put_text(other, "id", r->id);
        data_put(other, "time", json_string(time));
        data_put_some(other, "verdict", r->verdict);
        data_put_some(other, "phase", r->phase);
        if (r->has_transaction) {
            data_put_text(other, "sender", r->sender);
            data_put(other, "recipients", json_integer((json_int_t)r->recipient_count));
        }
        append(array, other);
    }
    return array;
}

/* ---- the whole ---- */

static void put_filled(json_t *story, const char *key, json_t *array)
{
    if (json_array_size(array) > 0) {
        data_put(story, key, array);
    } else {
        json_decref(array);
    }
}

static void tell_ending(struct telling *t, json_t *story)
{
    const struct journal_record *r = t->r;
    struct buf ending = {0};
    char time[TIME_RFC3339_MAX];

    time_format_rfc3339(r->time, time);
    data_put_text(story, "id", r->id);
    if (t->to != NULL) {
        data_put(story, "recipient", json_integer(t->to->number));
    }
    data_put(story, "time", json_string(time));
    ending_say(t, &ending);
    data_put_text(story, "ending", buf_slice(&ending));
    data_put_some(story, "verdict", t->to != NULL ? t->to->verdict : r->verdict);
    data_put_some(story, "phase", t->to != NULL && t->to->phase.n > 0 ? t->to->phase : r->phase);
    data_put_some(story, "note", r->note);
    data_put_some(story, "policy", r->policy);
    buf_free(&ending);
}

json_t *story_tell(const struct story *s)
{
    struct telling t = {.story = s, .r = s->record};
    json_t *story = json_object();

    arena_init(&t.arena);
    for (size_t i = 0; i < t.r->recipient_count && s->recipient > 0; i++) {
        t.to = t.r->recipients[i].number == s->recipient ? &t.r->recipients[i] : t.to;
    }
    ending_find(&t);
    facts_keep(&t);
    tell_ending(&t, story);
    tell_who(&t, story);
    put_filled(story, "timeline", tell_timeline(&t));
    put_filled(story, "facts", facts_tell(&t));
    put_filled(story, "rules", tell_rules(&t));
    tell_decided(&t, story);
    tell_reply(&t, story);
    tell_hop(&t, story);
    json_t *differ = differ_tell(&t);
    if (differ != NULL) {
        data_put(story, "differ", differ);
    }
    put_filled(story, "advice", advice_tell(differ));
    put_filled(story, "connection", tell_connection(s));
    facts_let_go(&t);
    arena_free(&t.arena);
    return story;
}
