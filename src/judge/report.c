/* See judge/report.h. */
#include "judge/report.h"

#include "base/emit.h"
#include "base/text.h"

size_t report_notes(const struct mail_text *m, const char *ret[static REPORT_NOTES_MOST])
{
    const struct {
        bool holds;
        const char *text;
    } notes[] = {
        {m->octets.n == 0 && !m->cut, "there is no octet in the message"},
        {m->mbox_line, "the mbox's \"From \" line in front was left out"},
        {m->mbox_more, "further messages of an mbox were taken for a part of this one"},
        {m->mixed, "lines end in LF and in CRLF: either was taken for a line's end"},
        {m->unended, "the last line was given its end"},
        {m->bare, "bare CR or LF in it: sent by BDAT"},
        {m->cut, "larger than limit message_size: read so far only"},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        if (notes[i].holds) {
            ret[n++] = notes[i].text;
        }
    }
    return n;
}

void report_clean(struct buf *to, struct slice text)
{
    size_t at = to->n;
    buf_append_slice(to, text);
    text_clean(to->p + at, text.n);
}

void report_reply(struct buf *to, const struct judge_outcome *o)
{
    if (o->code == 0) {
        report_clean(to, o->reply);
        return;
    }
    buf_printf(to, "%u ", o->code);
    report_clean(to, o->enhanced);
    buf_printf(to, "%s", o->enhanced.n > 0 ? " " : "");
    report_clean(to, o->text);
}

/* ---- JSON ---- */

/* Did it come to no verdict for something that was answered with an error? */
static bool tells_reply(const struct judge_outcome *o)
{
    return o->reply.n > 0 &&
           (slice_eq(o->verdict, SLICE_LIT("ended")) || slice_eq(o->verdict, SLICE_LIT("gone")));
}

static void begin(struct emit *e, const struct judged *j)
{
    emit_object(e, NULL);
    if (j->number > 0) {
        emit_unsigned(e, "line", j->number);
    }
    if (j->number > 0 && j->file.n > 0) {
        emit_text(e, "file", j->file);
    }
    if (j->label.n > 0) {
        emit_text(e, "label", j->label);
    }
}

static void end(struct emit *e)
{
    emit_object_end(e);
    buf_append(e->b, "\n", 1);
}

/* All members of an object that stands there as text, which has one at least. */
static void put_members(struct emit *e, struct slice object)
{
    if (e->comma) {
        buf_append(e->b, ",", 1);
    }
    buf_append(e->b, object.p + 1, object.n - 2);
    e->comma = true;
}

static void put_notes(struct emit *e, const struct mail_text *m)
{
    const char *notes[REPORT_NOTES_MOST];
    size_t count = report_notes(m, notes);
    if (count > 0) {
        emit_array(e, "notes");
        for (size_t i = 0; i < count; i++) {
            emit_text(e, NULL, slice_of(notes[i]));
        }
        emit_array_end(e);
    }
}

void report_json(struct buf *to, const struct judged *j)
{
    struct emit e = {.b = to};
    begin(&e, j);
    put_members(&e, j->outcome->line);
    if (tells_reply(j->outcome)) {
        emit_text(&e, "reply", j->outcome->reply);
    }
    put_notes(&e, j->mail);
    end(&e);
}

void report_error_json(struct buf *to, const struct judged *j, const char *why)
{
    struct emit e = {.b = to};
    begin(&e, j);
    emit_text(&e, "error", slice_of(why));
    end(&e);
}

/* ---- for people ---- */

void report_short(struct buf *to, const struct judged *j)
{
    const struct judge_outcome *o = j->outcome;
    report_clean(to, j->file);
    buf_append_slice(to, SLICE_LIT(": "));
    report_clean(to, o->verdict);
    if (o->code != 0 || o->reply.n > 0) {
        buf_append_slice(to, SLICE_LIT(", "));
        report_reply(to, o);
    }
    if (o->rule.n > 0) {
        buf_append_slice(to, SLICE_LIT(" ("));
        report_clean(to, o->rule);
        buf_append_slice(to, SLICE_LIT(")"));
    }
    buf_append(to, "\n", 1);
}

void report_error_short(struct buf *to, const struct judged *j, const char *why)
{
    if (j->file.n > 0) {
        report_clean(to, j->file);
        buf_append_slice(to, SLICE_LIT(": "));
    }
    buf_printf(to, "line %llu: not judged: ", (unsigned long long)j->number);
    report_clean(to, slice_of(why));
    buf_append(to, "\n", 1);
}
