/* What the parts of `gatepost state` share: its line, and records as they are shown. */
#pragma once

#include "base/buf.h"
#include "cmd/memory_at.h"
#include "store/record_form.h"

/* What the line says behind `state` and the part's name, and its options. */
struct state_line {
    const struct command *command;
    const char *file;
    bool json;
    bool merge;
    bool make;        /* --new */
    const char *sort; /* NULL: not given; as the next three */
    const char *limit;
    const char *before;
    const char *correspondents;
    char **operands;
    int count;
};

/* One part each. */
enum cmd_status state_list(const struct state_line *line);
enum cmd_status state_show(const struct state_line *line);
enum cmd_status state_set(const struct state_line *line);
enum cmd_status state_forget(const struct state_line *line);
enum cmd_status state_export(const struct state_line *line);
enum cmd_status state_import(const struct state_line *line);

/* The kind that is named there; 0 after a complaint. */
enum record_kind state_kind(const struct state_line *line, const char *text);

/* Prints a record: as lines for people, as a line of a list, or as JSON; `wall` and `rules` as what
 * decays is to be shown. */
void state_print(const struct record *r, const struct record_rules *rules, usec_t wall);
void state_print_head(void);
void state_print_row(const struct record *r, const struct record_rules *rules, usec_t wall);
void state_print_json(const struct record *r, const struct record_rules *rules, usec_t wall);
