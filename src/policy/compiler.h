/* From the syntax to a policy: names get their meaning, values their types, rules are checked.
 * Internal to src/policy. */
#pragma once

#include "parse/pattern.h"
#include "policy/syntax.h"

/* Sets that refer to each other, one through the other. */
#define SET_DEPTH_MOST 100

/* Rules of a policy, and facts it uses with different parameters: each has a place in every
 * session's memory. */
#define RULES_MOST 10000
#define USES_MOST  1000

/* An expression with what the checks need. */
struct node {
    struct expression x; /* first */
    unsigned depth;
    unsigned weight;
    const struct set_syntax *via; /* NULL, or the set whose name stands here */
};

struct made_rule {
    struct rule rule; /* first */
    const struct rule_syntax *syntax;
    const struct node *condition; /* rule.condition */
};

/* What policy_compile really makes; all that `policy` points to is in `arena`. */
struct policy_whole {
    struct policy policy; /* first */
    struct arena arena;
    struct buf patterns; /* struct pattern * */
    struct buf tables;   /* struct policy_table *, those not in use too */
};

enum name_kind { NAME_TABLE, NAME_SET };

struct name {
    enum name_kind kind;
    const struct word *word;
    bool standard;
    unsigned order;
    union {
        struct table_syntax *table;
        struct set_syntax *set;
    };
};

struct compiler {
    const struct conf *conf;
    const struct fact *facts;
    size_t fact_count;
    struct findings *findings;
    struct policy_whole *whole;
    struct arena *arena; /* &whole->arena */
    struct syntax syntax;
    struct buf names;             /* struct name, sorted by text */
    struct buf uses[SCOPE_COUNT]; /* struct fact_use * */
    struct buf rules;             /* struct made_rule * */
    struct set_syntax *building;  /* the innermost of the sets that are being built */
    unsigned building_depth;
    unsigned nesting; /* of the expressions that are being compiled */
};

/* policy_compile with other facts than those of tbl/facts.h. The facts must live as long as the
 * policy. */
int policy_compile_with(const struct conf *conf, const struct fact *known, size_t fact_count,
                        struct findings *findings, struct policy **ret);

/* An error at a place; `advice` may be NULL. */
#define compile_error(c, place, advice, ...)                                                       \
    finding_add((c)->findings, FINDING_ERROR, place, advice, __VA_ARGS__)

/* ---- names.c ---- */

/* Makes c->names. Tells which names are taken, or cannot be given. */
void names_define(struct compiler *c);

/* NULL: there is none. */
const struct name *name_find(const struct compiler *c, struct slice text);

/* What was meant by an unknown name: one of the facts, sets or tables; NULL when nothing is close.
 */
const char *name_suggest(const struct compiler *c, struct slice text, bool facts, bool sets,
                         bool tables);

/* Is it a word that some fact of type RESULT gives? */
bool is_result_word(const struct compiler *c, struct slice text);

/* When tables and sets are compiled: whatever replaces a table or set of the standard policy must
 * be of its kind and type, or rules would fail where nobody can mend them. */
void names_check_replacing(struct compiler *c);

/* When all is compiled: warns of names that nothing uses. */
void names_check_used(struct compiler *c);

/* ---- uses.c ---- */

/* NULL: there is none. */
const struct fact *fact_find(const struct compiler *c, struct slice name);

/* The use of a fact with these parameters (fact->parameters of them, copied), made when it is the
 * first; NULL when there are too many, after an error at `place`. */
const struct fact_use *use_of(struct compiler *c, const struct fact *fact,
                              const struct slice *parameters, struct place place);

/* Adds the use to an array of struct fact_use * unless it is there. Was it new? */
bool uses_add(struct buf *uses, const struct fact_use *use);

/* client.ip, header("Subject"): as it would be written. */
void use_append(struct buf *ret, const struct fact_use *use);

/* Can a fact have that parameter? If not, an error at `place`. */
bool parameter_check(struct compiler *c, const struct fact *fact, struct slice parameter,
                     struct place place);

/* Is the fact the answer of somebody who is neither the sender nor ourselves? */
bool fact_is_third_party(const struct fact *f);

/* Adds the error when the fact cannot be asked for in that phase. `via`: the set in which it is, or
 * NULL. */
void use_check(struct compiler *c, const struct fact_use *use, enum phase phase, struct place place,
               const struct set_syntax *via);

/* use_check for all of a condition. */
void uses_check(struct compiler *c, const struct node *condition, enum phase phase);

/* ---- template_parse.c ---- */

/* "listed by %{dnsbl.zone}" for a rule of that phase. 0; or -EINVAL after errors. */
int template_parse(struct compiler *c, const struct word *string, enum phase phase,
                   const struct text_template **ret);

/* ---- compile_table.c ---- */

/* Makes t->table; NULL after an error. */
void table_compile(struct compiler *c, struct table_syntax *t);

/* ---- patterns.c: body ~ "re", raw ~ TABLE ---- */

/* The fact that patterns are looked for in, where the term is its name alone; or NULL. */
const struct fact *patterns_fact(const struct compiler *c, const struct term *t);

/* The use of such a fact: `word` is a pattern in quotes or the name of a table. NULL after an
 * error. */
const struct fact_use *patterns_use(struct compiler *c, const struct fact *fact,
                                    const struct word *word);

/* The node of a MATCH whose left side is such a fact; NULL after an error. */
struct node *patterns_node(struct compiler *c, const struct term *t);

/* A pattern in quotes; false after an error. */
bool pattern_word(struct compiler *c, const struct word *word, struct pattern **ret);

/* Makes the policy's groups, of what its rules ask for. False after an error. */
bool patterns_output(struct compiler *c);

/* ---- check_members.c ---- */

/* Of `fact in table`, where all members that the fact can have are known: tells which entries are
 * none of them. In a list that is an error (false); a table with a name may serve other facts, too,
 * where only a warning. What stands in a file comes and goes, and is not looked at. */
bool check_members(struct compiler *c, const struct fact *fact, const struct table_syntax *table);

/* ---- compile_value.c: operands ---- */

/* A word as a constant: 1; 0 when it has not the form of one; -EINVAL after an error. */
int constant_parse(struct compiler *c, const struct word *word, struct value *ret);

/* A fact, a name, a constant, unknown(…); NULL after an error. */
struct node *operand_compile(struct compiler *c, const struct term *t);

/* The set's node for the place where its name stands; NULL after an error, or when it is the word
 * of a result. */
struct node *set_compile(struct compiler *c, struct set_syntax *s, const struct word *at);

/* The word that stands there, perhaps under a set's name, and can only be that of a result; or
 * NULL. */
const struct word *result_word(struct compiler *c, const struct term *t);

/* ---- compile_expression.c ---- */

/* Any term; NULL after errors. */
struct node *expression_compile(struct compiler *c, const struct term *t);

/* A term that must be a bool. */
struct node *condition_compile(struct compiler *c, const struct term *t);

/* The table of that name, which is in use now; NULL when there is none. */
struct table_syntax *table_by_name(struct compiler *c, const struct word *word);

/* A node above `left` and `right`, which may be NULL; NULL after an error, when it is too large. */
struct node *node_new(struct compiler *c, enum expression_kind kind, enum value_type type,
                      struct place place, struct node *left, struct node *right);

/* ---- compile_rule.c ---- */

/* NULL after errors. */
struct made_rule *rule_compile(struct compiler *c, const struct rule_syntax *syntax);

/* ---- check_order.c, check_refusal.c: rules against each other ---- */

/* Both look at all rules of one phase, in their order. Where there are errors, rules are missing
 * and most warnings would be wrong: they are left for later. */
void check_order(struct compiler *c, struct made_rule *const *rules, size_t count);
void check_refusals(struct compiler *c, struct made_rule *const *rules, size_t count);

/* Is it an answer of that kind: reject, defer or drop, and not only observed? */
bool is_refusal(const struct rule *rule);

/* What asking for all of it may cost; COST_FREE for NULL. */
enum fact_cost expression_cost(const struct expression *x);

/* Truth that does not depend on any fact: 1, 0, or -1 for neither. What a set's name stands for is
 * neither, since it is there to be changed. */
int constant_truth(const struct node *n);

static inline const struct node *node_left(const struct node *n)
{
    return (const struct node *)(const void *)n->x.left;
}

static inline const struct node *node_right(const struct node *n)
{
    return (const struct node *)(const void *)n->x.right;
}
