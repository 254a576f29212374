/* gatepost state: what is remembered of others, looked at and changed by hand. */
#include <stdio.h>

#include "cmd/state.h"

enum { SORT, LIMIT, BEFORE, CORRESPONDENTS, MERGE, NEW };

static const struct cmd_own_option options[] = {
    [SORT] = {"sort", true},
    [LIMIT] = {"limit", true},
    [BEFORE] = {"before", true},
    [CORRESPONDENTS] = {"correspondents", true},
    [MERGE] = {"merge", false},
    [NEW] = {"new", false},
    {NULL, false},
};

/* Which part takes which option. */
static const struct {
    const char *name;
    enum cmd_status (*run)(const struct state_line *line);
    unsigned options; /* a set of 1 << option */
    bool json;
} parts[] = {
    {"list", state_list, 1 << SORT | 1 << LIMIT, true},
    {"show", state_show, 0, true},
    {"set", state_set, 1 << NEW, false},
    {"forget", state_forget, 1 << BEFORE, true},
    {"export", state_export, 0, false},
    {"import", state_import, 1 << CORRESPONDENTS | 1 << MERGE, false},
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

struct taking {
    struct state_line line;
    unsigned given; /* a set of 1 << option */
};

static bool take(void *arg, size_t option, const char *value)
{
    struct taking *t = arg;

    t->given |= 1U << option;
    switch (option) {
    case SORT: t->line.sort = value; break;
    case LIMIT: t->line.limit = value; break;
    case BEFORE: t->line.before = value; break;
    case CORRESPONDENTS: t->line.correspondents = value; break;
    case MERGE: t->line.merge = true; break;
    default: t->line.make = true; break;
    }
    return true;
}

enum record_kind state_kind(const struct state_line *line, const char *text)
{
    const enum record_kind kind = record_kind_named(slice_of(text));
    char kinds[120];

    if (kind == 0) {
        record_kinds_list(kinds, sizeof(kinds));
        (void)fprintf(stderr, "gatepost %s: there is no kind %s, but %s\n", line->command->name,
                      text, kinds);
    }
    return kind;
}

/* An option that another part has. */
static const char *out_of_place(const struct taking *t, size_t part)
{
    for (size_t i = 0; options[i].name != NULL; i++) {
        if ((t->given & ~parts[part].options & 1U << i) != 0) {
            return options[i].name;
        }
    }
    return t->line.json && !parts[part].json ? "json" : NULL;
}

enum cmd_status cmd_state(const struct command *c, int argc, char **argv)
{
    struct taking t = {.line = {.command = c}};
    struct cmd_line line;
    enum cmd_status status;

    if (!cmd_take_own_line(c, argc, argv, options, take, &t, &line, &status)) {
        return status;
    }
    if (line.operand_count == 0) {
        return cmd_wrong(c, "which part of it?", "list, show, set, forget, export or import");
    }
    t.line.file = line.file;
    t.line.json = (line.options & CMD_JSON) != 0;
    t.line.operands = line.operands + 1;
    t.line.count = line.operand_count - 1;
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (strcmp(line.operands[0], parts[i].name) != 0) {
            continue;
        }
        const char *option = out_of_place(&t, i);
        return option != NULL ? cmd_wrong(c, "here there is no option --", option)
                              : parts[i].run(&t.line);
    }
    return cmd_wrong(c, "there is no part", line.operands[0]);
}
