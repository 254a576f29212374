/* What outside scanners say of the message: clamd, rspamd and SpamAssassin. */
#include <errno.h>

#include "client/scanners.h"
#include "fact/fact.h"
#include "fact/message_scans.h"

/* 1: the scanner has said something, *ret_result. 0: *ret is the fact's value, because it has not,
 * or because there is no such scanner. -ECANCELED. */
static int ask(const struct evidence *e, enum conf_scanner_kind kind, struct value nothing,
               const struct scan_result **ret_result, struct value *ret)
{
    static const enum unknown_reason reasons[] = {
        [SCAN_TIMED_OUT] = UNKNOWN_TIMEOUT,
        [SCAN_FAILED] = UNKNOWN_TEMPORARY,
        [SCAN_TOO_LARGE] = UNKNOWN_OVER_BUDGET,
    };

    *ret = nothing;
    if (!e->conf->scanners[kind].configured) {
        return 0;
    }
    int r = message_scan(e, kind, ret_result);
    if (r == -ECANCELED) {
        return r;
    }
    if (r < 0) {
        *ret = value_unknown(nothing.type, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    if ((*ret_result)->state != SCAN_KNOWN) {
        *ret = value_unknown(nothing.type, reasons[(*ret_result)->state]);
        return 0;
    }
    return 1;
}

/* One of the three ways to read a result: its text, its score, its names. */
static struct value text_of(const struct scan_result *r)
{
    return value_text(r->text);
}

static struct value score_of(const struct scan_result *r)
{
    return value_number(TYPE_DECIMAL, r->score);
}

static struct value names_of(const struct scan_result *r)
{
    return value_set(r->names, r->name_count);
}

static int of_scan(const struct evidence *e, enum conf_scanner_kind kind,
                   struct value (*read)(const struct scan_result *r), struct value *ret)
{
    static const struct scan_result none = {.text = SLICE_LIT("")};
    const struct scan_result *result;
    const int r = ask(e, kind, read(&none), &result, ret);

    if (r == 1) {
        *ret = value_from(result->kept ? SOURCE_CACHE : SOURCE_SCANNER, read(result));
    }
    return r < 0 ? r : 0;
}

int fact_virus(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_scan(e, CONF_CLAMD, text_of, ret);
}

int fact_rspamd_score(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_scan(e, CONF_RSPAMD, score_of, ret);
}

int fact_rspamd_action(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_scan(e, CONF_RSPAMD, text_of, ret);
}

int fact_rspamd_symbols(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_scan(e, CONF_RSPAMD, names_of, ret);
}

int fact_spamassassin_score(const struct evidence *e, const struct slice *parameters,
                            struct value *ret)
{
    (void)parameters;
    return of_scan(e, CONF_SPAMASSASSIN, score_of, ret);
}

int fact_spamassassin_rules(const struct evidence *e, const struct slice *parameters,
                            struct value *ret)
{
    (void)parameters;
    return of_scan(e, CONF_SPAMASSASSIN, names_of, ret);
}
