/* See parse/dmarc_record.h.
 *
 *   dmarc-record = dmarc-version *(dmarc-sep dmarc-tag) [dmarc-sep]
 *   dmarc-sep    = *WSP ";" *WSP
 *   dmarc-tag    = 1*ALPHA equals 1*dmarc-value
 *
 * Names and values compare without case, as ABNF has it; only DMARC1 does not. Of a tag that is
 * given twice the first counts: the second is a syntax error, and these are ignored (4.8). */
#include "parse/dmarc_record.h"

#include "base/fatal.h"
#include "parse/ascii.h"

const char *dmarc_policy_name(enum dmarc_policy policy)
{
    static const char *const names[DMARC_POLICY_COUNT] = {
        [DMARC_NO_POLICY] = "",
        [DMARC_NONE] = "none",
        [DMARC_QUARANTINE] = "quarantine",
        [DMARC_REJECT] = "reject",
    };
    if (policy < DMARC_POLICY_COUNT) {
        return names[policy];
    }
    panic("no such policy: %d", (int)policy);
}

/* Takes what stands before the next `separator` off *rest; false at the end. */
static bool next_part(struct slice *rest, char separator, struct slice *ret)
{
    if (rest->n == 0) {
        return false;
    }
    const char *end = memchr(rest->p, separator, rest->n);
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    *ret = (struct slice){rest->p, n};
    n += end != NULL;
    *rest = (struct slice){rest->p + n, rest->n - n};
    return true;
}

/* NAME *WSP "=" *WSP VALUE; without an "=" the value is empty. */
static void split_tag(struct slice tag, struct slice *ret_name, struct slice *ret_value)
{
    struct slice rest = tag;

    *ret_name = SLICE_LIT("");
    (void)next_part(&rest, '=', ret_name);
    *ret_name = slice_trim(*ret_name, " \t");
    *ret_value = slice_trim(rest, " \t");
}

/* ---- reporting URIs ---- */

static bool is_scheme(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool other = s.p[i] == '+' || s.p[i] == '-' || s.p[i] == '.';
        if (!ascii_is_let_dig(s.p[i]) && !other) {
            return false;
        }
    }
    return s.n > 0 && ascii_is_let_dig(s.p[0]) && !ascii_is_digit(s.p[0]);
}

static bool is_hex(char c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What may stand in a URI behind its scheme; "!" begins the size of obs-dmarc-report-size. */
static bool is_uri_text(struct slice s)
{
    static const char marks[] = "-._~:/?#[]@!$&'()*+,;=";

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%') {
            if (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])) {
                return false;
            }
        } else if (!ascii_is_let_dig(s.p[i]) && !memchr(marks, s.p[i], sizeof(marks) - 1)) {
            return false;
        }
    }
    return s.n > 0;
}

static bool is_uri(struct slice s)
{
    struct slice scheme;

    return next_part(&s, ':', &scheme) && is_scheme(scheme) && is_uri_text(s) && s.p[0] != '!';
}

static bool has_uri(struct slice list)
{
    struct slice uri;

    while (next_part(&list, ',', &uri)) {
        if (is_uri(slice_trim(uri, " \t"))) {
            return true;
        }
    }
    return false;
}

/* ---- tags ---- */

/* NO_POLICY: none of the words. */
static enum dmarc_policy policy_named(struct slice value)
{
    for (int policy = DMARC_NONE; policy < DMARC_POLICY_COUNT; policy++) {
        if (slice_eq_nocase(value, slice_of(dmarc_policy_name((enum dmarc_policy)policy)))) {
            return (enum dmarc_policy)policy;
        }
    }
    return DMARC_NO_POLICY;
}

static bool is_letter(struct slice value, char letter)
{
    return slice_eq_nocase(value, (struct slice){&letter, 1});
}

enum tag { P, SP, NP, PSD, ADKIM, ASPF, T, RUA, TAG_COUNT };

/* Fills `values` with what each tag says: p NULL where it is absent. */
static void collect(struct slice rest, struct slice values[TAG_COUNT])
{
    static const struct slice names[TAG_COUNT] = {
        [P] = SLICE_LIT("p"),     [SP] = SLICE_LIT("sp"),       [NP] = SLICE_LIT("np"),
        [PSD] = SLICE_LIT("psd"), [ADKIM] = SLICE_LIT("adkim"), [ASPF] = SLICE_LIT("aspf"),
        [T] = SLICE_LIT("t"),     [RUA] = SLICE_LIT("rua"),
    };
    struct slice part, name, value;

    while (next_part(&rest, ';', &part)) {
        split_tag(part, &name, &value);
        for (int tag = 0; tag < TAG_COUNT; tag++) {
            if (values[tag].p == NULL && slice_eq_nocase(name, names[tag])) {
                values[tag] = value;
            }
        }
    }
}

/* p, sp and np (4.10.1): one of them wrong makes the whole count as p=none, or not at all. */
static void decide_policy(const struct slice values[TAG_COUNT], struct dmarc_record *record)
{
    record->p = values[P].p != NULL ? policy_named(values[P]) : DMARC_NONE;
    record->sp = policy_named(values[SP]);
    record->np = policy_named(values[NP]);
    if (record->p == DMARC_NO_POLICY || (values[SP].p != NULL && record->sp == DMARC_NO_POLICY) ||
        (values[NP].p != NULL && record->np == DMARC_NO_POLICY)) {
        record->unusable = !record->reportable;
        record->p = record->unusable ? DMARC_NO_POLICY : DMARC_NONE;
        record->sp = record->np = DMARC_NO_POLICY;
    }
}

bool dmarc_record_parse(struct slice text, struct dmarc_record *ret)
{
    struct slice rest = text, version = SLICE_LIT(""), name, value;

    (void)next_part(&rest, ';', &version);
    split_tag(version, &name, &value);
    if (!is_letter(name, 'v') || name.p != text.p || !slice_eq(value, SLICE_LIT("DMARC1"))) {
        return false;
    }
    struct slice values[TAG_COUNT] = {{NULL, 0}};
    collect(rest, values);
    *ret = (struct dmarc_record){
        .psd = is_letter(values[PSD], 'y')   ? DMARC_PSD_Y
               : is_letter(values[PSD], 'n') ? DMARC_PSD_N
                                             : DMARC_PSD_U,
        .strict_dkim = is_letter(values[ADKIM], 's'),
        .strict_spf = is_letter(values[ASPF], 's'),
        .testing = is_letter(values[T], 'y'),
        .reportable = has_uri(values[RUA]),
    };
    decide_policy(values, ret);
    return true;
}
