/* The patterns of a policy (inspect/inspect_impl.h).
 *
 * Most patterns cannot match most texts, because a word that they need is not there. So the words
 * of all patterns of a place are looked for first, in one pass (parse/pattern_literal.h). A pattern
 * of which each match begins with such a word is tried where one stands, and only there; one that
 * needs a word is tried when it is somewhere; one of which no word is known always. Decision 032
 * has what was measured. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "inspect/inspect_impl.h"
#include "parse/literal_scan.h"
#include "parse/pattern.h"
#include "parse/pattern_literal.h"

/* Octets of a text that are looked at. */
static const size_t subject_most[PATTERN_PLACES] = {
    [PATTERN_IN_HEADER] = (size_t)256 << 10,
    [PATTERN_IN_BODY] = (size_t)1 << 20,
    [PATTERN_IN_RAW] = (size_t)16 << 20,
};

/* Work of one match, and of all in one text, beside so much for each octet: about a nanosecond
 * each. */
#define WORK_EACH     ((size_t)10000000)
#define WORK_ALL      ((size_t)200000000)
#define WORK_AN_OCTET 32

/* Places in one text where words stand that matches begin with; beyond that the patterns are tried
 * as if nothing were known of where. */
#define PLACES_MOST 50000

struct line {
    struct pattern *pattern; /* NULL: it does not compile, and never matches */
    bool always;             /* no word is known that it needs */
    bool begins;             /* matches begin with its words */
};

struct inspect_rules {
    struct arena arena;
    const struct pattern_group *groups;
    size_t count;
    struct line *lines; /* of all groups, one after the other */
    size_t line_count;
    struct literal_scan *words[PATTERN_PLACES];
    bool wanted[PATTERN_PLACES];
};

struct inspect_match {
    int32_t *groups; /* the answer */
};

/* ---- compiling ---- */

int inspect_rules_new(struct inspect_rules **ret)
{
    *ret = xcalloc(1, sizeof(**ret));
    return 0;
}

static void forget(struct inspect_rules *r)
{
    for (size_t i = 0; i < r->line_count; i++) {
        pattern_free(r->lines[i].pattern);
    }
    for (size_t i = 0; i < PATTERN_PLACES; i++) {
        r->words[i] = literal_scan_free(r->words[i]);
        r->wanted[i] = false;
    }
    free(r->lines);
    r->lines = NULL;
    r->line_count = r->count = 0;
    arena_reset(&r->arena);
}

struct inspect_rules *inspect_rules_free(struct inspect_rules *r)
{
    if (r) {
        forget(r);
        arena_free(&r->arena);
    }
    free(r);
    return NULL;
}

static void add_words(struct inspect_rules *r, enum pattern_place place, struct slice pattern)
{
    struct line *l = &r->lines[r->line_count];
    struct arena scratch;
    struct pattern_literals needed;

    arena_init(&scratch);
    pattern_literals_find(pattern, &scratch, &needed);
    l->always = needed.count == 0;
    l->begins = needed.begin;
    for (size_t i = 0; i < needed.count; i++) {
        literal_scan_add(r->words[place], (struct slice){needed.of[i].octets, needed.of[i].n},
                         (uint32_t)r->line_count);
    }
    arena_free(&scratch);
}

static void add_line(struct inspect_rules *r, enum pattern_place place,
                     const struct pattern_line *line)
{
    char why[128];
    size_t offset;

    if (pattern_compile(line->text, line->caseless, &r->lines[r->line_count].pattern, why,
                        sizeof(why), &offset) == 0) {
        add_words(r, place, line->text);
    }
    r->line_count++;
}

int inspect_rules_set(struct inspect_rules *r, struct slice octets)
{
    size_t lines = 0;
    int error;

    forget(r);
    error = pattern_groups_read(arena_copy(&r->arena, octets), &r->arena, &r->groups, &r->count);
    if (error < 0) {
        r->count = 0;
        return error;
    }
    for (size_t i = 0; i < r->count; i++) {
        lines += r->groups[i].count;
        r->wanted[r->groups[i].place] |= r->groups[i].count > 0;
    }
    for (size_t i = 0; i < PATTERN_PLACES; i++) {
        r->words[i] = literal_scan_new();
    }
    r->lines = xcalloc(lines + 1, sizeof(*r->lines));
    for (size_t i = 0; i < r->count; i++) {
        for (size_t k = 0; k < r->groups[i].count; k++) {
            add_line(r, r->groups[i].place, &r->groups[i].lines[k]);
        }
    }
    return 0;
}

/* ---- matching ---- */

bool inspect_rules_want(const struct inspect_run *run, enum pattern_place place)
{
    return run->match != NULL && run->inspect->rules->wanted[place];
}

void inspect_rules_begin(struct inspect_run *run)
{
    const struct inspect_rules *r = run->inspect->rules;

    if (!inspect_wants(run, INSPECT_PATTERNS)) {
        return;
    }
    run->match = arena_alloc(&run->scratch, sizeof(*run->match));
    run->match->groups = arena_zalloc(run->arena, (r->count + 1) * sizeof(*run->match->groups));
    run->ret->groups = run->match->groups;
    run->ret->group_count = r->count;
    inspect_rules_match(run, PATTERN_IN_RAW, run->message);
}

/* ---- where lines may match ---- */

#define NOWHERE UINT32_MAX

/* One place where a line may match, and which of `places` is its next one. */
struct place {
    uint32_t at;
    uint32_t next;
};

struct chance {
    uint32_t first, last; /* of `places`; of a line that begins with its words */
    bool anywhere;        /* it must be tried on the whole text */
};

struct chances {
    const struct line *lines;
    struct chance *of; /* by line */
    size_t count;
    struct buf places;
};

static void note_word(void *arg, uint32_t line, size_t at)
{
    struct chances *c = arg;
    struct chance *chance = &c->of[line];
    const uint32_t n = (uint32_t)(c->places.n / sizeof(struct place));
    const struct place place = {(uint32_t)at, NOWHERE};

    if (!c->lines[line].begins || n == PLACES_MOST) {
        chance->anywhere = true;
    }
    if (chance->anywhere) {
        return;
    }
    buf_append(&c->places, (const char *)&place, sizeof(place));
    if (chance->first == NOWHERE) {
        chance->first = n;
    } else {
        ((struct place *)(void *)c->places.p)[chance->last].next = n;
    }
    chance->last = n;
}

/* Without case PCRE2 takes U+017F for an "s" and U+212A for a "k". */
static bool has_long_letters(struct slice text)
{
    return memmem(text.p, text.n, "\xc5\xbf", 2) != NULL ||
           memmem(text.p, text.n, "\xe2\x84\xaa", 3) != NULL;
}

/* The chances of all lines in a text of that place. `places` is the caller's to free. */
static void find_chances(struct inspect_run *run, enum pattern_place place, struct slice text,
                         struct chances *ret)
{
    const struct inspect_rules *r = run->inspect->rules;

    *ret = (struct chances){.lines = r->lines, .count = r->line_count};
    ret->of = arena_alloc(&run->scratch, (r->line_count + 1) * sizeof(*ret->of));
    for (size_t i = 0; i < r->line_count; i++) {
        ret->of[i] = (struct chance){NOWHERE, NOWHERE, r->lines[i].always};
    }
    if (has_long_letters(text) || !literal_scan_run(r->words[place], text, note_word, ret)) {
        for (size_t i = 0; i < r->line_count; i++) {
            ret->of[i].anywhere = true;
        }
    }
}

/* ---- trying them ---- */

static int try_line(const struct line *line, const struct chance *chance,
                    const struct chances *chances, struct pattern_subject *subject)
{
    const struct place *places = (const void *)chances->places.p;
    int r = 0;

    if (line->pattern == NULL) {
        return 0;
    }
    if (chance->anywhere) {
        return pattern_try(line->pattern, subject);
    }
    for (uint32_t i = chance->first; i != NOWHERE && r == 0; i = places[i].next) {
        r = pattern_try_at(line->pattern, subject, places[i].at);
    }
    return r;
}

/* One group, whose lines begin at `first`: 1… the line found, PATTERNS_NONE or PATTERNS_OPEN. */
static int32_t try_group(struct inspect_run *run, size_t first, size_t count,
                         const struct chances *chances, struct pattern_subject *subject)
{
    int32_t found = PATTERNS_NONE;

    for (size_t i = first; i < first + count; i++) {
        const struct chance *chance = &chances->of[i];
        if (!chance->anywhere && chance->first == NOWHERE) {
            continue;
        }
        if (inspect_late(run)) {
            return PATTERNS_OPEN;
        }
        const int r = try_line(&chances->lines[i], chance, chances, subject);
        if (r == 1) {
            return (int32_t)(i - first + 1);
        }
        found = r < 0 ? PATTERNS_OPEN : found;
    }
    return found;
}

void inspect_rules_match(struct inspect_run *run, enum pattern_place place, struct slice text)
{
    const struct inspect_rules *r = run->inspect->rules;
    struct pattern_subject subject;
    size_t first = 0;

    if (!inspect_rules_want(run, place)) {
        return;
    }
    const bool cut = text.n > subject_most[place];
    text.n = cut ? subject_most[place] : text.n;
    text.p = text.n > 0 ? text.p : "";
    const struct pattern_limits limits = {text.n, WORK_EACH + text.n * WORK_AN_OCTET,
                                          WORK_ALL + text.n * WORK_AN_OCTET};
    struct chances chances;
    pattern_subject_init_within(&subject, text, &limits);
    pattern_subject_settle(&subject);
    find_chances(run, place, subject.text, &chances);
    for (size_t i = 0; i < r->count; first += r->groups[i++].count) {
        int32_t *answer = &run->match->groups[i];
        if (r->groups[i].place != place || *answer > 0) {
            continue;
        }
        const int32_t found = try_group(run, first, r->groups[i].count, &chances, &subject);
        if (found != PATTERNS_NONE) {
            *answer = found;
        } else if (cut) {
            *answer = PATTERNS_OPEN;
        }
    }
    buf_free(&chances.places);
    pattern_subject_fini(&subject);
}

/* Only parts that were not looked at can be missing from header and body: the message itself is
 * whole. */
void inspect_rules_end(struct inspect_run *run)
{
    const struct inspect_rules *r = run->inspect->rules;

    if (run->match == NULL || !inspect_text_is_open(run)) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (run->match->groups[i] == PATTERNS_NONE && r->groups[i].place != PATTERN_IN_RAW) {
            run->match->groups[i] = PATTERNS_OPEN;
        }
    }
}
