/* A policy: ordered rules for each phase that turn facts into a verdict (docs/GRAMMAR.md,
 * docs/POLICY.md). Compiled and checked before anything is served; never changed afterwards, but
 * for tables whose file has changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/finding.h"
#include "fact/fact.h"

struct expression;
struct policy_table;
struct text_template;

enum rule_kind {
#define ACTION(ident, name, verdict, phases, synopsis, prose) RULE_##ident,
#include "tbl/actions.h"
#undef ACTION
    RULE_KIND_COUNT
};

/* The rows of tbl/actions.h. */
struct action {
    const char *name;
    bool verdict;    /* ends the phase */
    unsigned phases; /* 1 << enum phase: where it may stand */
    const char *synopsis;
    const char *prose;
};
extern const struct action actions[RULE_KIND_COUNT];

struct rule {
    enum rule_kind kind;
    enum phase phase;
    uint16_t index; /* among all rules of the policy */
    bool observe;
    bool now;
    bool silent;
    bool all;
    uint16_t code; /* reject, defer, drop that is not silent */
    struct slice enhanced;
    int64_t amount;                   /* doubt: how much; wait, ban: usec_t */
    const struct text_template *text; /* of a reply, a doubt, a mark (even if not given), or NULL */
    const struct expression *condition; /* NULL: always. "when A unless B" is A and not B */
    struct place place;
    const char *label;    /* the same and what it does: "gatepost.conf:23 reject" */
    const char *where;    /* "gatepost.conf:23": the file's last component and the line */
    struct slice written; /* as it is written, in one line */
};

struct policy_phase {
    const struct rule *const *rules; /* in their order */
    size_t count;
};

/* Hexadecimal digits. */
#define POLICY_DIGEST_LEN 16

/* What the rules look for in one place of a message: body ~ "re", raw ~ TABLE. */
struct policy_patterns {
    enum pattern_place place;
    struct slice parameter;           /* of the fact: "/re/", or the name of the table */
    struct slice pattern;             /* without the slashes; empty where there is a table */
    const struct policy_table *table; /* its patterns, alone */
};

struct policy {
    struct policy_phase phases[PHASE_COUNT];
    const struct rule *const *rules; /* all, by index */
    size_t rule_count;
    const struct fact_use *const *uses[SCOPE_COUNT]; /* by their index in the scope's memo */
    size_t use_count[SCOPE_COUNT];
    struct policy_table **tables; /* those in use */
    size_t table_count;
    const struct policy_table *fact_tables[FACT_TABLE_COUNT]; /* NULL: there is none */
    const struct policy_patterns *patterns; /* by group: sorted by place and parameter */
    size_t pattern_count;
    uint32_t inspect_work;              /* what rules need of an inspector, of enum inspect_work */
    bool asks_signatures;               /* some rule needs the message's signatures verified */
    char digest[POLICY_DIGEST_LEN + 1]; /* of all that is written of it, files of tables apart */
};

/* Compiles what the configuration holds of tables, sets and policies; the standard policy where
 * there is none. Errors and warnings go to `findings`, with their places, which are in sources of
 * the configuration or of the program. 0 and *ret, which must be freed before the configuration; or
 * -EINVAL when there was an error. Reads the tables' files. Needs more stack than a task has. */
int policy_compile(const struct conf *conf, struct findings *findings, struct policy **ret);

struct policy *policy_free(struct policy *p);

/* Calls `fn` with each fact that the rule's condition or text names, as often as they do. */
void rule_each_use(const struct rule *rule, void (*fn)(void *arg, const struct fact_use *use),
                   void *arg);

/* What an inspector is to look for, written by pattern_groups_write, with the tables as they are
 * now: to be written anew when the generation is another one. */
void policy_pattern_groups(const struct policy *p, struct buf *ret);
uint64_t policy_patterns_generation(const struct policy *p);

/* The group of that place and parameter; -1: there is none. */
int policy_pattern_group(const struct policy *p, enum pattern_place place, struct slice parameter);

/* The policy as a table for people: phase, rule, facts needed, cost. */
void policy_explain(const struct policy *p, struct buf *ret);

/* What `policy standard` stands for (conf/standard.policy). */
extern const char policy_standard_text[];
extern const size_t policy_standard_length;
