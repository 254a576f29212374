/* One record that would end otherwise, in words or as JSON. */
#include "base/text.h"
#include "journal/replay_range.h"

/* Of a text from outside. */
#define SHOWN_MOST ((size_t)120)

static void put_clean(struct buf *to, struct slice text)
{
    text_show(to, text, SHOWN_MOST);
}

static void put_outcome(struct buf *to, const struct replay_outcome *o)
{
    buf_printf(to, "%s", replay_verdict_name(o->verdict));
    if (o->rule.n > 0) {
        buf_append_slice(to, SLICE_LIT(" by "));
        put_clean(to, o->rule);
    }
}

static void put_move(struct buf *to, const struct replay_outcome *then,
                     const struct replay_outcome *now)
{
    put_outcome(to, then);
    buf_append_slice(to, SLICE_LIT(" -> "));
    put_outcome(to, now);
}

static void put_doubts(struct buf *to, const struct replay *p)
{
    size_t count;
    const struct replay_doubt *doubts = replay_doubts(p, &count);

    for (size_t i = 0; i < count; i++) {
        buf_printf(to, i == 0 ? "    rests on: " : ", ");
        put_clean(to, slice_of(doubts[i].fact));
        buf_printf(to, " (%s)", replay_gap_name(doubts[i].gap));
    }
    buf_append(to, "\n", count > 0 ? 1 : 0);
}

/* "2026-11-22T04:49:30.123Z ABCDEFGHJKMNPQ.1 192.0.2.1 <a@b>: passed -> refused by new.conf:3
 * reject", and lines below it for recipients and what it rests on. */
void replay_line(struct buf *to, const struct replay *p, const struct journal_record *r,
                 const struct replay_outcomes *then, const struct replay_outcomes *now)
{
    char time[TIME_RFC3339_MAX];

    time_format_rfc3339(r->time, time);
    buf_printf(to, "%s ", time);
    put_clean(to, r->id);
    buf_append(to, " ", 1);
    put_clean(to, r->client);
    if (r->has_transaction) {
        buf_append_slice(to, SLICE_LIT(" <"));
        put_clean(to, r->sender);
        buf_append(to, ">", 1);
    }
    buf_append_slice(to, SLICE_LIT(": "));
    if (replay_differs(&then->whole, &now->whole)) {
        put_move(to, &then->whole, &now->whole);
    } else {
        put_outcome(to, &then->whole);
    }
    buf_append(to, "\n", 1);
    for (size_t i = 0; i < r->recipient_count; i++) {
        if (replay_differs(&then->recipients[i], &now->recipients[i])) {
            buf_printf(to, "    .%u <", r->recipients[i].number);
            put_clean(to, r->recipients[i].mailbox);
            buf_append_slice(to, SLICE_LIT(">: "));
            put_move(to, &then->recipients[i], &now->recipients[i]);
            buf_append(to, "\n", 1);
        }
    }
    put_doubts(to, p);
}

/* ---- JSON ---- */

static void emit_outcome(struct emit *e, const char *key, const struct replay_outcome *o)
{
    emit_object(e, key);
    emit_text(e, "verdict", slice_of(replay_verdict_name(o->verdict)));
    if (o->rule.n > 0) {
        emit_text(e, "rule", o->rule);
    }
    emit_object_end(e);
}

static void emit_recipients(struct emit *e, const struct journal_record *r,
                            const struct replay_outcomes *then, const struct replay_outcomes *now)
{
    emit_array(e, "recipients");
    for (size_t i = 0; i < r->recipient_count; i++) {
        if (replay_differs(&then->recipients[i], &now->recipients[i])) {
            emit_object(e, NULL);
            emit_unsigned(e, "number", r->recipients[i].number);
            emit_text(e, "recipient", r->recipients[i].mailbox);
            emit_outcome(e, "old", &then->recipients[i]);
            emit_outcome(e, "new", &now->recipients[i]);
            emit_object_end(e);
        }
    }
    emit_array_end(e);
}

void replay_line_json(struct buf *to, const struct replay *p, const struct journal_record *r,
                      const struct replay_outcomes *then, const struct replay_outcomes *now)
{
    char time[TIME_RFC3339_MAX];
    struct emit e = {.b = to};
    size_t count;
    const struct replay_doubt *doubts = replay_doubts(p, &count);

    time_format_rfc3339(r->time, time);
    emit_object(&e, NULL);
    emit_text(&e, "id", r->id);
    emit_text(&e, "time", slice_of(time));
    emit_text(&e, "client", r->client);
    if (r->has_transaction) {
        emit_text(&e, "sender", r->sender);
    }
    emit_text(&e, "ended", r->verdict);
    emit_outcome(&e, "old", &then->whole);
    emit_outcome(&e, "new", &now->whole);
    emit_recipients(&e, r, then, now);
    emit_array(&e, "rests_on");
    for (size_t i = 0; i < count; i++) {
        emit_object(&e, NULL);
        emit_text(&e, "fact", slice_of(doubts[i].fact));
        emit_text(&e, "why", slice_of(replay_gap_name(doubts[i].gap)));
        emit_object_end(&e);
    }
    emit_array_end(&e);
    emit_object_end(&e);
    buf_append(to, "\n", 1);
}
