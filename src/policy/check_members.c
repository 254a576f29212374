/* Is what stands behind `in` anything that the fact can have? Of html.traits and the like all
 * members are known (fact_members), so that a misspelt one, which would never be found, is told. */
#include "conf/suggest.h"
#include "policy/compiler.h"

/* A pattern may fit any; it is not tried. */
static bool is_pattern(const struct table_entry *e)
{
    return !e->quoted && e->text.n > 0 && e->text.p[0] == '/';
}

static bool is_member(struct slice text, const struct fact_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq_nocase(text, slice_of(members[i].name))) {
            return true;
        }
    }
    return false;
}

/* Is it a member of another fact of that kind? */
static bool is_any_member(struct slice text)
{
    const struct fact_member *members;

    for (size_t i = 0; i < FACT_COUNT; i++) {
        const size_t count = fact_members(&facts[i], &members);
        if (count > 0 && is_member(text, members, count)) {
            return true;
        }
    }
    return false;
}

static void tell(struct compiler *c, enum severity severity, const char *fact,
                 const struct table_entry *e, const char *close)
{
    char shown[WORD_SHOWN_MAX];

    (void)word_show(e->text, shown);
    if (close != NULL) {
        finding_add(c->findings, severity, e->place, NULL, "%s never has %s, did you mean \"%s\"?",
                    fact, shown, close);
    } else {
        finding_add(c->findings, severity, e->place,
                    "gatepost docs members tells all that it can have", "%s never has %s", fact,
                    shown);
    }
}

bool check_members(struct compiler *c, const struct fact *fact, const struct table_syntax *table)
{
    const struct fact_member *members;
    const size_t count = fact_members(fact, &members);
    const bool list = table->name.text.n == 0;
    bool good = true;

    for (size_t i = 0; count > 0 && i < table->entry_count; i++) {
        const struct table_entry *e = &table->entries[i];
        if (is_pattern(e) || is_member(e->text, members, count) ||
            (!list && is_any_member(e->text))) {
            continue;
        }
        const char *close = suggest(e->text, &members[0].name, count, sizeof(members[0]));
        tell(c, list ? FINDING_ERROR : FINDING_WARNING, fact->name, e, close);
        good = good && !list;
    }
    return good;
}
