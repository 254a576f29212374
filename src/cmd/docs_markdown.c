/* The reference as Markdown: what is looked up stands in tables whose columns are aligned, what has
 * to be read in lists below them. */
#include <string.h>

#include "base/fatal.h"
#include "cmd/docs.h"
#include "conf/settings.h"
#include "policy/policy.h"

/* ---- tables ---- */

#define COLUMNS_MOST 6

struct grid {
    size_t columns;
    struct buf cells; /* const char *, row by row, the head's first */
};

static void grid_add(struct grid *g, const char *cell)
{
    buf_append(&g->cells, &cell, sizeof(cell));
}

static const char *grid_cell(const struct grid *g, size_t row, size_t column)
{
    const char *cell;

    memcpy(&cell, g->cells.p + (row * g->columns + column) * sizeof(cell), sizeof(cell));
    return cell;
}

static void grid_widths(const struct grid *g, size_t rows, size_t *ret)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < g->columns; c++) {
            size_t n = strlen(grid_cell(g, r, c));
            ret[c] = n > ret[c] ? n : ret[c];
        }
    }
}

/* The line between head and rows. */
static void grid_rule(const struct grid *g, const size_t *widths, struct buf *ret)
{
    for (size_t c = 0; c < g->columns; c++) {
        buf_append(ret, "|", 1);
        for (size_t i = 0; i < widths[c] + 2; i++) {
            buf_append(ret, "-", 1);
        }
    }
    buf_append(ret, "|\n", 2);
}

/* Appends the table, whose cells are dropped. */
static void grid_end(struct grid *g, struct buf *ret)
{
    size_t rows = g->cells.n / sizeof(char *) / g->columns;
    size_t widths[COLUMNS_MOST] = {0};

    if (g->columns > COLUMNS_MOST) {
        panic("a table of %zu columns", g->columns);
    }
    grid_widths(g, rows, widths);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < g->columns; c++) {
            buf_printf(ret, "| %-*s ", (int)widths[c], grid_cell(g, r, c));
        }
        buf_append(ret, "|\n", 2);
        if (r == 0) {
            grid_rule(g, widths, ret);
        }
    }
    buf_free(&g->cells);
}

/* ---- lists ---- */

static const char *code(struct arena *arena, const char *text)
{
    return arena_printf(arena, "`%s`", text).p;
}

/* "- `name`: words" */
static void item(struct buf *ret, const char *name, const char *words)
{
    buf_printf(ret, "- `%s`: ", name);
    docs_wrap(ret, words, strlen(name) + 6, 2);
}

/* ---- sections ---- */

static void fact_table(struct arena *arena, struct buf *ret)
{
    static const char *const head[] = {"fact", "type", "from", "scope", "cost", "kept"};
    struct grid g = {.columns = 6};

    for (size_t c = 0; c < g.columns; c++) {
        grid_add(&g, head[c]);
    }
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const struct fact *f = &facts[i];
        grid_add(&g, code(arena, docs_fact_name(f, arena)));
        grid_add(&g, value_type_name(f->type));
        grid_add(&g, phase_name(f->phase));
        grid_add(&g, fact_scope_name(f->scope));
        grid_add(&g, fact_cost_name(f->cost));
        grid_add(&g, docs_fact_keeping(f));
    }
    grid_end(&g, ret);
}

static void fact_section(struct arena *arena, struct buf *ret)
{
    fact_table(arena, ret);
    buf_append(ret, "\n", 1);
    for (size_t i = 0; i < FACT_COUNT; i++) {
        item(ret, docs_fact_name(&facts[i], arena), docs_fact_prose(&facts[i], arena));
    }
}

static void member_section(struct arena *arena, struct buf *ret)
{
    const struct fact_member *members;
    const char *between = "";

    (void)arena;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const size_t count = fact_members(&facts[i], &members);
        if (count > 0) {
            buf_printf(ret, "%s### Members of `%s`\n\n", between, facts[i].name);
            between = "\n";
        }
        for (size_t k = 0; k < count; k++) {
            item(ret, members[k].name, members[k].prose);
        }
    }
}

static void action_section(struct arena *arena, struct buf *ret)
{
    struct grid g = {.columns = 3};

    grid_add(&g, "action");
    grid_add(&g, "verdict");
    grid_add(&g, "phases");
    for (size_t i = 0; i < RULE_KIND_COUNT; i++) {
        grid_add(&g, code(arena, actions[i].name));
        grid_add(&g, actions[i].verdict ? "yes" : "no");
        grid_add(&g, docs_phases(actions[i].phases, arena));
    }
    grid_end(&g, ret);
    buf_append(ret, "\n", 1);
    for (size_t i = 0; i < RULE_KIND_COUNT; i++) {
        item(ret, actions[i].synopsis, actions[i].prose);
    }
}

static void limit_section(struct arena *arena, struct buf *ret)
{
    struct grid g = {.columns = 4};
    char text[VALUE_TEXT_MAX];

    grid_add(&g, "limit");
    grid_add(&g, "standard");
    grid_add(&g, "least");
    grid_add(&g, "most");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &settings[i];
        const int64_t values[] = {s->standard, s->min, s->max};
        grid_add(&g, code(arena, s->name));
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            grid_add(&g, arena_copy(arena, slice_of(value_format(s->kind, values[k], text))).p);
        }
    }
    grid_end(&g, ret);
    buf_append(ret, "\n", 1);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        item(ret, settings[i].name, settings[i].prose);
    }
}

static void reply_section(struct arena *arena, struct buf *ret)
{
    struct grid g = {.columns = 3};

    grid_add(&g, "code");
    grid_add(&g, "enhanced");
    grid_add(&g, "text");
    for (size_t i = 0; i < docs_reply_count; i++) {
        if (!docs_reply_repeated(i)) {
            grid_add(&g, arena_printf(arena, "%u", docs_replies[i].code).p);
            grid_add(&g, docs_replies[i].enhanced);
            grid_add(&g, code(arena, docs_replies[i].text));
        }
    }
    grid_end(&g, ret);
}

static void counter_section(struct arena *arena, struct buf *ret)
{
    (void)arena;
    for (size_t i = 0; i < docs_counter_count; i++) {
        item(ret, docs_counters[i].name, docs_counters[i].prose);
    }
}

static void begin_section(enum docs_section section, const char *heading, struct buf *ret)
{
    buf_printf(ret, "## %s\n\n", heading);
    docs_wrap(ret, docs_introduction(section), 0, 0);
    buf_append(ret, "\n", 1);
}

static void standard_section(struct arena *arena, struct buf *ret)
{
    (void)arena;
    buf_append(ret, policy_standard_text, policy_standard_length);
}

void docs_markdown(enum docs_section section, struct buf *ret)
{
    static const struct {
        const char *heading; /* NULL: the section is another kind of text */
        void (*write)(struct arena *arena, struct buf *ret);
    } sections[DOCS_SECTION_COUNT] = {
        [DOCS_FACTS] = {"Facts", fact_section},
        [DOCS_MEMBERS] = {"What is remarkable about a message", member_section},
        [DOCS_ACTIONS] = {"Actions", action_section},
        [DOCS_LIMITS] = {"Limits", limit_section},
        [DOCS_REPLIES] = {"Replies", reply_section},
        [DOCS_COUNTERS] = {"Counters", counter_section},
        [DOCS_STANDARD] = {NULL, standard_section},
    };
    struct arena arena;

    arena_init(&arena);
    if (sections[section].heading != NULL) {
        begin_section(section, sections[section].heading, ret);
    }
    sections[section].write(&arena, ret);
    arena_free(&arena);
}
