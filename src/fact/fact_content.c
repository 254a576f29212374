/* What the message carries, as an inspector found it (tbl/findings.h). */
#include <errno.h>

#include "auth/dns_list.h"
#include "fact/dns.h"
#include "parse/inspection.h"
#include "rt/rt.h"

/* Of so many hosts that links lead to a list is asked. */
#define HOSTS_MOST 20

const char *const message_id_form_words[] = {
    [MESSAGE_ID_NONE] = "none",
    [MESSAGE_ID_NORMAL] = "normal",
    [MESSAGE_ID_ADDRESS] = "address",
    [MESSAGE_ID_BARE] = "bare",
    [MESSAGE_ID_MALFORMED] = "malformed",
    [MESSAGE_ID_SEVERAL] = "several",
    [MESSAGE_ID_FORMS] = NULL,
};

/* Facts that are findings, each by its two names. */
#define EACH_CONTENT_FACT(x)                                                                       \
    x(from_address, FROM_ADDRESS) x(from_name, FROM_NAME)                                          \
        x(from_name_is_address, FROM_NAME_IS_ADDRESS) x(reply_to_domain, REPLY_TO_DOMAIN) x(       \
            date_skew, DATE_SKEW) x(message_id_form, MESSAGE_ID_FORM) x(subject, SUBJECT)          \
            x(mime_anomalies, MIME_ANOMALIES) x(mime_types, MIME_TYPES) x(mime_parts, MIME_PARTS)  \
                x(inspect_limits, INSPECT_LIMITS) x(attachment_count, ATTACHMENT_COUNT)            \
                    x(attachment_names, ATTACHMENT_NAMES) x(attachment_ext, ATTACHMENT_EXT)        \
                        x(attachment_type, ATTACHMENT_TYPE) x(attachment_macro, ATTACHMENT_MACRO)  \
                            x(attachment_encrypted, ATTACHMENT_ENCRYPTED)                          \
                                x(attachment_executable, ATTACHMENT_EXECUTABLE)                    \
                                    x(html_traits, HTML_TRAITS) x(text_traits, TEXT_TRAITS)        \
                                        x(url_count, URL_COUNT) x(url_domains, URL_DOMAINS)        \
                                            x(url_mismatch, URL_MISMATCH)                          \
                                                x(url_traits, URL_TRAITS)

uint32_t fact_inspect_work(const struct fact *fact)
{
    static const struct {
        enum fact_id fact;
        enum finding_id finding;
    } rows[] = {
#define ROW(ident, finding) {FACT_##ident, FINDING_OF_##finding},
        EACH_CONTENT_FACT(ROW)
#undef ROW
            {FACT_dnsbl_url, FINDING_OF_URL_DOMAINS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (fact->compute == facts[rows[i].fact].compute) {
            return finding_rows[rows[i].finding].work;
        }
    }
    return fact_matches_patterns(fact, NULL) ? INSPECT_PATTERNS : 0;
}

bool fact_matches_patterns(const struct fact *fact, enum pattern_place *ret)
{
    static const enum fact_id ids[PATTERN_PLACES] = {
        [PATTERN_IN_HEADER] = FACT_headers,
        [PATTERN_IN_BODY] = FACT_body,
        [PATTERN_IN_RAW] = FACT_raw,
    };

    for (unsigned i = 0; i < PATTERN_PLACES; i++) {
        if (fact->compute == facts[ids[i]].compute) { /* a copy of the row is that fact, too */
            if (ret != NULL) {
                *ret = (enum pattern_place)i;
            }
            return true;
        }
    }
    return false;
}

/* 0; or what evidence_ops says. */
static int inspect(const struct evidence *e, const struct inspection **ret)
{
    if (e->message == NULL || e->ops == NULL || e->ops->inspected == NULL) {
        return -ENODATA;
    }
    return e->ops->inspected(e, ret);
}

/* What a fact is when `inspect` said `error`. */
static int without_inspection(int error, enum value_type type, struct value *ret)
{
    if (error == -ECANCELED) {
        return error;
    }
    *ret = value_unknown(type, error == -ENODATA     ? UNKNOWN_NOT_AVAILABLE
                               : error == -ETIMEDOUT ? UNKNOWN_TIMEOUT
                                                     : UNKNOWN_TEMPORARY);
    return 0;
}

/* ---- a finding as a value ---- */

static struct value value_of_number(const struct fact *fact, int64_t number)
{
    if (fact->type != TYPE_RESULT) {
        return value_number(fact->type, number);
    }
    /* Who has taken a stranger's message apart is not believed to know the words. */
    for (int64_t i = 0; fact->words[i] != NULL; i++) {
        if (i == number) {
            return value_number(TYPE_RESULT, number);
        }
    }
    return value_unknown(TYPE_RESULT, UNKNOWN_TEMPORARY);
}

/* A limit that was reached leaves open what was not found; what was found is true all the same. */
static struct value value_of_finding(const struct fact *fact, enum finding_kind kind,
                                     const struct finding *f)
{
    const struct value open = value_unknown(fact->type, UNKNOWN_OVER_BUDGET);

    switch (kind) {
    case FINDING_FLAG: return f->open && f->number == 0 ? open : value_bool(f->number != 0);
    case FINDING_NUMBER: return f->open ? open : value_of_number(fact, f->number);
    case FINDING_TEXT: return f->open && f->text.n == 0 ? open : value_text(f->text);
    case FINDING_TEXTS: return value_set(f->texts, f->count);
    }
    return open;
}

static int of_finding(const struct evidence *e, enum fact_id fact, enum finding_id finding,
                      struct value *ret)
{
    const struct inspection *found;
    int r = inspect(e, &found);

    if (r < 0) {
        return without_inspection(r, facts[fact].type, ret);
    }
    *ret = value_of_finding(&facts[fact], finding_rows[finding].kind, &found->of[finding]);
    return 0;
}

#define FUNCTION(ident, finding)                                                                   \
    int fact_##ident(const struct evidence *e, const struct slice *parameters, struct value *ret)  \
    {                                                                                              \
        (void)parameters;                                                                          \
        return of_finding(e, FACT_##ident, FINDING_OF_##finding, ret);                             \
    }
EACH_CONTENT_FACT(FUNCTION)
#undef FUNCTION

/* ---- patterns ---- */

static int of_patterns(const struct evidence *e, enum pattern_place place, struct slice parameter,
                       struct value *ret)
{
    const struct inspection *found;
    int r = inspect(e, &found);

    if (r < 0) {
        return without_inspection(r, TYPE_BOOL, ret);
    }
    const int group =
        e->ops->pattern_group != NULL ? e->ops->pattern_group(e, place, parameter) : -1;
    if (group < 0 || (size_t)group >= found->group_count) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
    } else if (found->groups[group] == PATTERNS_OPEN) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_OVER_BUDGET);
    } else {
        *ret = value_bool(found->groups[group] != PATTERNS_NONE);
    }
    return 0;
}

int fact_headers(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return of_patterns(e, PATTERN_IN_HEADER, parameters[0], ret);
}

int fact_body(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return of_patterns(e, PATTERN_IN_BODY, parameters[0], ret);
}

int fact_raw(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    return of_patterns(e, PATTERN_IN_RAW, parameters[0], ret);
}

/* ---- hosts that links lead to, on lists ---- */

struct host_question {
    const struct evidence *e;
    const struct list_filter *filter;
    struct slice host;
    struct dns_list_answer answer;
    int result;
};

static void ask_of_host(void *arg)
{
    struct host_question *q = arg;
    const struct auth_clock clock = fact_clock(q->e);
    struct arena scratch;

    arena_init(&scratch);
    q->result = dns_list_ask_domain(q->e->lists, q->filter, q->host, &clock, &scratch, &q->answer);
    arena_free(&scratch);
}

/* All at the same time; what there is no memory for is asked by this task. */
static void ask_of_hosts(struct host_question *questions, size_t count)
{
    struct scope scope;

    scope_enter(&scope);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || task_spawn(rt_self(), &scope, ask_of_host, &questions[i]) < 0) {
            ask_of_host(&questions[i]);
        }
    }
    scope_join(&scope);
    scope_leave(&scope);
}

/* Is one of the hosts listed? 0 and *ret; or -ECANCELED. */
static int ask_hosts(const struct evidence *e, const struct list_filter *filter,
                     const struct finding *hosts, struct value *ret)
{
    const size_t count = hosts->count < HOSTS_MOST ? hosts->count : HOSTS_MOST;
    struct host_question questions[HOSTS_MOST];

    for (size_t i = 0; i < count; i++) {
        questions[i] = (struct host_question){.e = e, .filter = filter, .host = hosts->texts[i]};
    }
    ask_of_hosts(questions, count);
    *ret = hosts->open ? value_unknown(TYPE_BOOL, UNKNOWN_OVER_BUDGET) : value_bool(false);
    for (size_t i = 0; i < count; i++) {
        const struct dns_list_answer *a = &questions[i].answer;
        if (questions[i].result < 0) {
            return questions[i].result;
        }
        if (a->state == DNS_ANSWER && a->listed) {
            *ret = value_bool(true);
        } else if (a->state != DNS_ANSWER && !(ret->state == VALUE_KNOWN && ret->boolean)) {
            *ret = fact_dns_unknown(TYPE_BOOL, a->state);
        }
    }
    return 0;
}

int fact_dnsbl_url(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct inspection *found;
    struct list_filter filter;
    struct value without = {0};
    const char *problem;

    if (e->lists == NULL || list_filter_parse(parameters[0], &filter, &problem) < 0) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    int r = inspect(e, &found);
    if (r < 0) {
        r = without_inspection(r, TYPE_BOOL, &without);
        *ret = value_from(SOURCE_MESSAGE, without);
        return r;
    }
    return ask_hosts(e, &filter, &found->of[FINDING_OF_URL_DOMAINS], ret);
}
