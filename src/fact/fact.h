/* Facts: the rows of tbl/facts.h, and asking for one.
 *
 * A policy refers to facts by *uses*: a row with its parameters. Each use of a remembered fact has
 * a place in the memo of the fact's scope, so that it is computed at most once there. */
#pragma once

#include <stddef.h>

#include "fact/evidence.h"

enum fact_id {
#define FACT(ident, name, type, arity, phase, scope, cost, keeping, prose) FACT_##ident,
#include "tbl/facts.h"
#undef FACT
    FACT_COUNT
};

enum phase { PHASE_CONNECT, PHASE_HELO, PHASE_MAIL, PHASE_RCPT, PHASE_MESSAGE, PHASE_COUNT };

/* From cheap to expensive. FREE and MEMORY never suspend. CONTENT is a look into the message's
 * header, INSPECTION all that an inspector has to look for, LINKS a question to the DNS about links
 * that one has found. */
enum fact_cost {
    COST_FREE,
    COST_MEMORY,
    COST_DNS,
    COST_NETWORK,
    COST_CONTENT,
    COST_INSPECTION,
    COST_LINKS,
    COST_SCANNER
};

enum fact_keeping { KEEPING_REMEMBERED, KEEPING_LIVE, KEEPING_JOINT };

struct fact {
    const char *name;
    enum value_type type;
    unsigned parameters;
    enum phase phase;
    enum fact_scope scope;
    enum fact_cost cost;
    enum fact_keeping keeping;
    const char *prose;
    /* *ret has the fact's type. 0, or -ECANCELED when the scope was cancelled meanwhile. */
    int (*compute)(const struct evidence *e, const struct slice *parameters, struct value *ret);
    const char *const *words; /* of a RESULT: all it can be, NULL behind the last; else NULL */
};

extern const struct fact facts[FACT_COUNT];

/* The words of RFC 8601: pass fail softfail neutral none temperror permerror policy. */
extern const char *const result_words[];
/* absent none quarantine reject */
extern const char *const dmarc_policy_words[];
/* domain label literal address invalid */
extern const char *const helo_form_words[];
/* none normal address bare malformed several */
extern const char *const message_id_form_words[];
/* none network host spf dkim */
extern const char *const identity_kind_words[];

const char *phase_name(enum phase phase);
const char *fact_cost_name(enum fact_cost cost);
/* "connection", "transaction", "recipient" */
const char *fact_scope_name(enum fact_scope scope);

/* Does it rest on the signatures of the message, which are hashed while that comes in? */
bool fact_wants_signatures(const struct fact *fact);

/* What an inspector has to do for it, of enum inspect_work (parse/inspection.h); 0: nothing. */
uint32_t fact_inspect_work(const struct fact *fact);

/* Does it tell whether patterns are found, and where (ret may be NULL)? Its parameter is the
 * pattern between slashes, or the name of a table. */
bool fact_matches_patterns(const struct fact *fact, enum pattern_place *ret);

/* What may be in a set of which all members are known by name. */
struct fact_member {
    const char *name;
    const char *prose; /* a sentence; what is literal stands in `…` */
};

/* All members that the set can have; 0, and *ret untouched, for a fact of another type, or a set
 * whose members nobody knows beforehand. */
size_t fact_members(const struct fact *fact, const struct fact_member **ret);

/* A row with its parameters, as a policy uses it. */
struct fact_use {
    const struct fact *fact;
    const struct slice *parameters; /* fact->parameters of them */
    uint16_t index;                 /* in its scope's memo: from 0, each use of a scope its own */
};

/* Of one scope: what was asked for, in places given by fact_use.index. */
struct fact_memo {
    size_t count;
    struct value values[];
};

/* An empty memo for `count` uses. fact_memo_clear forgets all; of the connection's memo
 * fact_memo_forget_from forgets facts of that phase and later ones (EHLO anew, STARTTLS). `uses`
 * are the scope's, by index. A memo of NULL is let be. */
struct fact_memo *fact_memo_new(struct arena *arena, size_t count);
void fact_memo_clear(struct fact_memo *m);
void fact_memo_forget_from(struct fact_memo *m, const struct fact_use *const *uses,
                           enum phase phase);
/* Forgets what could not be had at the time, of facts that ask the DNS. */
void fact_memo_forget_missing(struct fact_memo *m, const struct fact_use *const *uses);

/* What was asked for, in as few octets as it takes, in `arena`; texts are not copied. And put back
 * into an empty memo of the same scope. A memo of NULL gives nothing. */
struct slice fact_memo_pack(const struct fact_memo *m, struct arena *arena);
void fact_memo_unpack(struct slice packed, struct fact_memo *m);

/* For operators and tests; one for each worker. */
struct fact_counters {
    uint64_t computed[FACT_COUNT]; /* times the function ran */
    uint64_t unknown[FACT_COUNT];  /* of these: gave unknown */
    uint64_t pattern_limits;       /* patterns that the match limit stopped (src/policy) */
};

/* The value of a use: remembered, or computed now and remembered where it is of that kind (a LIVE
 * fact's last value is kept for the record alone). An unknown is a value and remembered too.
 * Without a memo of its scope it is computed each time. Facts of cost DNS and above may suspend;
 * two tasks must not ask for one use at the same time, or both compute it. 0 or -ECANCELED, after
 * which nothing is remembered and *ret is untouched. */
int fact_ask(const struct fact_use *use, const struct evidence *e, struct value *ret);

/* The value that fact_ask would give, without computing anything but FREE and MEMORY facts: false
 * when it would have to. Never suspends. */
bool fact_peek(const struct fact_use *use, const struct evidence *e, struct value *ret);

/* The last value kept for the record: VALUE_UNASKED when it was never asked for, or nothing is
 * remembered. */
struct value fact_kept(const struct fact_use *use, const struct evidence *e);

/* The text of a value as %{…} and the decision record show it ("true", "42", "6s", "1M",
 * "192.0.2.1", "softfail", "a, b"; "unknown" for all that is not known). A TEXT is given as it is,
 * whatever octets it has, and not copied; the rest is static or in `arena`. */
struct slice fact_text(const struct fact_use *use, const struct value *v, struct arena *arena);

/* How a record names it: "client.ip", or with its parameters "header(Subject)". In `arena`, or
 * static. */
const char *fact_use_name(const struct fact_use *use, struct arena *arena);

/* Does that text of a rule hold the name of a fact, and not only a longer one? */
bool fact_is_named(struct slice rule, struct slice name);

/* The functions of the rows. */
#define FACT(ident, name, type, arity, phase, scope, cost, keeping, prose)                         \
    int fact_##ident(const struct evidence *e, const struct slice *parameters, struct value *ret);
#include "tbl/facts.h"
#undef FACT

/* ---- doubt ---- */

/* The sum over `d` and all scopes around it. */
int64_t doubts_sum(const struct doubts *d);
/* Their texts, outermost first, "; " between them. */
struct slice doubts_why(const struct doubts *d, struct arena *arena);
