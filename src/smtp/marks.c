/* What the message says of itself when it leaves: fields that rules mark it with, and those that
 * tell what we think of it, for Sieve scripts (`marks` in gatepost.conf(5)). */
#include <inttypes.h>

#include "auth/field_writer.h"
#include "smtp/session.h"

/* What a rule says that gives no field of its own, whatever name the configuration has for it. */
#define STANDARD SLICE_LIT("X-Spam-Flag: YES")

/* Reasons that the status names. */
#define REASONS_MOST 20

struct marking {
    const struct session *s;
    struct slice flag; /* "X-Spam-Flag: YES": what rules without a text of their own say */
    bool flagged;      /* one of them has fired */
    struct buf *fields;
};

/* The header field with which a fired rule marks the message; empty for none. */
static struct slice mark_of(const struct marking *m, const struct fired *f)
{
    if (f->rule->observe || (f->rule->kind != RULE_MARK && f->rule->kind != RULE_JUNK)) {
        return (struct slice){0};
    }
    return f->text.n > 0 && !slice_eq(f->text, STANDARD) ? f->text : m->flag;
}

static bool marks_with(const struct marking *m, const struct ruling *r, struct slice field)
{
    for (const struct fired *f = r->first; f != NULL; f = f->next) {
        if (slice_eq(mark_of(m, f), field)) {
            return true;
        }
    }
    return false;
}

static bool all_recipients_marked(const struct marking *m, struct slice field)
{
    const struct transaction *t = &m->s->txn;
    for (size_t i = 0; i < t->record_count; i++) {
        const struct recipient_record *r = t->records[i];
        if (answer_is_yes(&r->answer) && !marks_with(m, r->ruling, field)) {
            return false;
        }
    }
    return true;
}

/* Both end in a line feed. */
static bool has_line(struct slice lines, struct slice line)
{
    const char *end = lines.p + lines.n;
    const char *p = lines.p;
    while (p != end) {
        size_t n = (size_t)((const char *)memchr(p, '\n', (size_t)(end - p)) - p) + 1;
        if (slice_eq((struct slice){p, n}, line)) {
            return true;
        }
        p += n;
    }
    return false;
}

/* Adds it unless it is there, or is the flag and not wanted. */
static void add_field(struct marking *m, struct slice field)
{
    struct buf line = {0};
    m->flagged = m->flagged || slice_eq(field, m->flag);
    if (m->s->server->conf->marks[CONF_MARK_FLAG] == NULL && slice_eq(field, m->flag)) {
        return;
    }
    buf_printf(&line, SLICE_FMT "\r\n", SLICE_ARG(field));
    if (!has_line(buf_slice(m->fields), buf_slice(&line))) {
        buf_append_slice(m->fields, buf_slice(&line));
    }
    buf_free(&line);
}

/* Adds the fields of a ruling. */
static void add_marks(struct marking *m, const struct ruling *r, bool of_recipient)
{
    for (const struct fired *f = r->first; f != NULL; f = f->next) {
        const struct slice field = mark_of(m, f);
        if (field.n > 0 && (!of_recipient || all_recipients_marked(m, field))) {
            add_field(m, field);
        }
    }
}

/* ---- what we think of it ---- */

/* "(2 a DNS list knows its address)" for each reason, those of the connection first; how many. */
static unsigned add_reasons(struct field_writer *w, const struct doubts *d, struct arena *arena)
{
    unsigned count = d->outer != NULL ? add_reasons(w, d->outer, arena) : 0;
    for (const struct reason *r = d->first; r != NULL && count < REASONS_MOST; r = r->next) {
        field_comment(w,
                      arena_printf(arena, "%" PRId64 " " SLICE_FMT, r->doubt, SLICE_ARG(r->why)));
        count++;
    }
    return count;
}

/* Of a message that the policy was asked about. */
static void add_judgement(const struct marking *m)
{
    const struct conf *conf = m->s->server->conf;
    const struct doubts *doubts = &m->s->course.rulings[PHASE_MESSAGE].doubts;
    struct arena *arena = &m->s->delivery->arena;
    const int64_t score = doubts_sum(doubts);
    if (conf->marks[CONF_MARK_SCORE] != NULL) {
        buf_printf(m->fields, "%s: %" PRId64 "\r\n", conf->marks[CONF_MARK_SCORE], score);
    }
    if (conf->marks[CONF_MARK_STATUS] != NULL) {
        struct field_writer w;
        field_begin(&w, conf->marks[CONF_MARK_STATUS]);
        field_word(&w, "%s, score=%" PRId64, m->flagged ? "Yes" : "No", score);
        (void)add_reasons(&w, doubts, arena);
        buf_append_slice(m->fields, field_end(&w, arena));
    }
}

void judge_marks(const struct session *s, struct buf *fields)
{
    const char *flag = s->server->conf->marks[CONF_MARK_FLAG];
    struct marking m = {.s = s, .fields = fields};
    m.flag = flag != NULL ? arena_printf(&s->delivery->arena, "%s: YES", flag) : STANDARD;
    for (int p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
        add_marks(&m, &s->course.rulings[p], false);
    }
    for (size_t i = 0; i < s->txn.record_count; i++) {
        if (answer_is_yes(&s->txn.records[i]->answer)) {
            add_marks(&m, s->txn.records[i]->ruling, true);
            break; /* what all are marked with, the first is */
        }
    }
    add_marks(&m, &s->course.rulings[PHASE_MESSAGE], false);
    if (s->txn.judged) {
        add_judgement(&m);
    }
}
