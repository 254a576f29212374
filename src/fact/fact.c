/* The table of facts, made from the rows of tbl/facts.h, and the names of its columns. */
#include "fact/fact.h"

const char *const result_words[] = {
    "pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "policy", NULL,
};

/* Facts whose words are those of RFC 8601. */
#define spf_words      result_words
#define spf_helo_words result_words
#define dkim_words     result_words
#define arc_words      result_words
#define dmarc_words    result_words

/* The words of a fact by its type: of helo_form, a RESULT, they are helo_form_words. */
#define WORDS_BOOL(ident)     NULL
#define WORDS_NUMBER(ident)   NULL
#define WORDS_TEXT(ident)     NULL
#define WORDS_ADDRESS(ident)  NULL
#define WORDS_DURATION(ident) NULL
#define WORDS_SIZE(ident)     NULL
#define WORDS_SET(ident)      NULL
#define WORDS_DECIMAL(ident)  NULL
#define WORDS_RESULT(ident)   ident##_words

const struct fact facts[FACT_COUNT] = {
#define FACT(ident, name, type, arity, phase, scope, cost, keeping, prose)                         \
    [FACT_##ident] = {name,        TYPE_##type,       arity, PHASE_##phase, SCOPE_##scope,         \
                      COST_##cost, KEEPING_##keeping, prose, fact_##ident,  WORDS_##type(ident)},
#include "tbl/facts.h"
#undef FACT
};

bool fact_wants_signatures(const struct fact *fact)
{
    static const enum fact_id ids[] = {
        FACT_dkim,        FACT_dkim_domains, FACT_dkim_results, FACT_arc,          FACT_arc_sealers,
        FACT_arc_trusted, FACT_dmarc,        FACT_dmarc_policy, FACT_dmarc_domain,
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (fact == &facts[ids[i]]) {
            return true;
        }
    }
    return false;
}

const char *phase_name(enum phase phase)
{
    static const char *const names[PHASE_COUNT] = {
        [PHASE_CONNECT] = "connect", [PHASE_HELO] = "helo",       [PHASE_MAIL] = "mail",
        [PHASE_RCPT] = "rcpt",       [PHASE_MESSAGE] = "message",
    };

    return names[phase];
}

const char *fact_cost_name(enum fact_cost cost)
{
    static const char *const names[] = {
        [COST_FREE] = "free",       [COST_MEMORY] = "memory",   [COST_DNS] = "dns",
        [COST_NETWORK] = "network", [COST_CONTENT] = "content", [COST_INSPECTION] = "inspection",
        [COST_LINKS] = "links",     [COST_SCANNER] = "scanner",
    };

    return names[cost];
}

const char *fact_scope_name(enum fact_scope scope)
{
    static const char *const names[SCOPE_COUNT] = {
        [SCOPE_CONNECTION] = "connection",
        [SCOPE_TRANSACTION] = "transaction",
        [SCOPE_RECIPIENT] = "recipient",
    };

    return names[scope];
}
