/* gatepost docs: the reference of facts, actions, limits and replies; see docs.h. */
#include <stdio.h>
#include <string.h>

#include "base/fatal.h"
#include "cmd/cmd.h"
#include "cmd/docs.h"

static const char *const section_names[DOCS_SECTION_COUNT] = {
    [DOCS_FACTS] = "facts",       [DOCS_MEMBERS] = "members", [DOCS_ACTIONS] = "actions",
    [DOCS_LIMITS] = "limits",     [DOCS_REPLIES] = "replies", [DOCS_COUNTERS] = "counters",
    [DOCS_STANDARD] = "standard",
};

/* A section, or all but the standard policy. */
struct wanted {
    int first;
    int end;
};

static bool find_section(const struct cmd_line *line, struct wanted *ret)
{
    if (line->operand_count == 0) {
        *ret = (struct wanted){DOCS_FACTS, DOCS_STANDARD};
        return true;
    }
    for (int i = 0; i < DOCS_SECTION_COUNT; i++) {
        if (strcmp(line->operands[0], section_names[i]) == 0) {
            *ret = (struct wanted){i, i + 1};
            return true;
        }
    }
    return false;
}

static void print_text(struct wanted w, bool man)
{
    struct buf text = {0};

    for (int i = w.first; i < w.end; i++) {
        if (man) {
            docs_man((enum docs_section)i, &text);
        } else {
            buf_append(&text, "\n", i > w.first ? 1 : 0);
            docs_markdown((enum docs_section)i, &text);
        }
    }
    (void)fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
}

static void print_json(struct wanted w)
{
    json_t *whole = json_object();

    for (int i = w.first; i < w.end; i++) {
        if (json_object_set_new(whole, section_names[i], docs_json((enum docs_section)i)) != 0) {
            fatal("out of memory for the reference");
        }
    }
    /* That it could not be written is told by cmd_printed. */
    if (json_dumpf(whole, stdout, JSON_INDENT(2)) != 0 && ferror(stdout) == 0) {
        fatal("out of memory for the reference");
    }
    (void)putchar('\n');
    json_decref(whole);
}

enum cmd_status cmd_docs(const struct command *c, int argc, char **argv)
{
    struct cmd_line line;
    struct wanted w;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (!find_section(&line, &w)) {
        return cmd_wrong(c, "there is no part", line.operands[0]);
    }
    if (line.options == (CMD_JSON | CMD_MAN)) {
        return cmd_wrong(c, "one or the other:", "--json --man");
    }
    if (line.options == CMD_JSON) {
        print_json(w);
    } else {
        print_text(w, line.options == CMD_MAN);
    }
    return cmd_printed();
}
