/* DMARC Policy Records: what is told agrees with itself, and a record written anew from it says the
 * same. */
#include "fuzz.h"

#include "parse/dmarc_record.h"

static bool same(const struct dmarc_record *a, const struct dmarc_record *b)
{
    return a->p == b->p && a->sp == b->sp && a->np == b->np && a->psd == b->psd &&
           a->strict_dkim == b->strict_dkim && a->strict_spf == b->strict_spf &&
           a->testing == b->testing && a->reportable == b->reportable;
}

static void check_again(const struct dmarc_record *r)
{
    struct dmarc_record again;
    char text[256];
    int n = snprintf(text, sizeof(text), "v=DMARC1;p=%s;adkim=%c;aspf=%c;t=%c;psd=%c",
                     dmarc_policy_name(r->p), r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r',
                     r->testing ? 'y' : 'n', "uyn"[r->psd]);

    if (r->sp != DMARC_NO_POLICY) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, ";sp=%s", dmarc_policy_name(r->sp));
    }
    if (r->np != DMARC_NO_POLICY) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, ";np=%s", dmarc_policy_name(r->np));
    }
    if (r->reportable) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, ";rua=mailto:a@b");
    }
    FUZZ_CHECK(dmarc_record_parse((struct slice){text, (size_t)n}, &again));
    FUZZ_CHECK(same(r, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct dmarc_record r;

    if (dmarc_record_parse(text, &r)) {
        FUZZ_CHECK(size >= 8 && (text.p[0] == 'v' || text.p[0] == 'V'));
        FUZZ_CHECK(r.unusable == (r.p == DMARC_NO_POLICY) && (!r.unusable || !r.reportable));
        FUZZ_CHECK(!r.unusable || (r.sp == DMARC_NO_POLICY && r.np == DMARC_NO_POLICY));
        if (!r.unusable) {
            check_again(&r);
        }
    }
    free((char *)text.p);
    return 0;
}
