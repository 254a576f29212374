/* SPF records: a place is told of each fault, terms lie in the record one behind the other, each is
 * by itself what it was among the others; names and explanations stay within their bounds. */
#include "fuzz.h"

#include "parse/spf_record.h"

static const struct spf_values values = {.of = {
                                             [SPF_MACRO_SENDER] = {"a-b+c.d@email.example.com", 25},
                                             [SPF_MACRO_LOCAL_PART] = {"a-b+c.d", 7},
                                             [SPF_MACRO_SENDER_DOMAIN] = {"email.example.com", 17},
                                             [SPF_MACRO_DOMAIN] = {"..x..", 5},
                                             [SPF_MACRO_IP] = {"192.0.2.3", 9},
                                             [SPF_MACRO_VERSION] = {"in-addr", 7},
                                             [SPF_MACRO_HELO] = {"\0\xff%{d}", 6},
                                             [SPF_MACRO_CLIENT] = {"192.0.2.3", 9},
                                         }};

static void check_name(struct slice spec)
{
    char *name = malloc(SPF_NAME_MOST);
    size_t n = spf_expand_name(spec, &values, name);

    FUZZ_CHECK(n <= SPF_NAME_MOST);
    free(name);
}

static void check_explanation(struct slice text)
{
    unsigned macros;
    struct spf_fault fault;
    char *clean;

    if (spf_text_check(text, SPF_EXPLAIN_STRING, &macros, &fault) < 0) {
        FUZZ_CHECK(fault.at >= text.p && fault.at <= text.p + text.n && fault.what != NULL);
        return;
    }
    clean = malloc(100);
    size_t n = spf_expand_explanation(text, &values, clean, 100);
    FUZZ_CHECK(n <= 100);
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(clean[i] >= ' ' && clean[i] <= '~');
    free(clean);
}

/* A term alone is the same term. */
static void check_alone(const struct spf_term *term)
{
    size_t n = 7 + term->text.n;
    char *alone = malloc(n);
    struct spf_record record;
    struct spf_record_fault fault;
    struct spf_term again;

    memcpy(alone, "v=spf1 ", 7);
    memcpy(alone + 7, term->text.p, term->text.n);
    FUZZ_CHECK(spf_record_parse((struct slice){alone, n}, &record, &fault) == 0);
    FUZZ_CHECK(spf_record_next(&record.terms, &again));
    FUZZ_CHECK(again.kind == term->kind && again.qualifier == term->qualifier);
    FUZZ_CHECK(again.bits4 == term->bits4 && again.bits6 == term->bits6);
    FUZZ_CHECK(slice_eq(again.domain, term->domain) && again.macros == term->macros);
    free(alone);
}

static void check_terms(struct slice text, const struct spf_record *record)
{
    struct slice rest = record->terms;
    struct spf_term term;
    const char *behind = text.p;

    while (spf_record_next(&rest, &term)) {
        FUZZ_CHECK(fuzz_within(term.text, text) && term.text.p >= behind && term.text.n > 0);
        behind = term.text.p + term.text.n;
        FUZZ_CHECK(term.domain.n == 0 || fuzz_within(term.domain, term.text));
        FUZZ_CHECK(term.bits4 <= 32 && term.bits6 <= 128);
        if (term.domain.n > 0 && term.kind != SPF_UNKNOWN_MODIFIER)
            check_name(term.domain);
        check_alone(&term);
    }
    FUZZ_CHECK(rest.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = fuzz_copy(data, size);
    struct slice text = {octets, size};
    struct spf_record record;
    struct spf_record_fault fault;

    if (spf_record_is(text)) {
        if (spf_record_parse(text, &record, &fault) < 0) {
            FUZZ_CHECK(fault.at <= size && fault.what != NULL);
            FUZZ_CHECK(fuzz_within(fault.term, text));
        } else {
            check_terms(text, &record);
        }
    }
    check_explanation(text);
    free(octets);
    return 0;
}
