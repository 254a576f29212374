/* Parameters of MAIL and RCPT, as DSN's: what is taken is the value as it came, within its bounds,
 * xtext stands for printable octets and comes back as it was, and no parameter is taken twice. */
#include "fuzz.h"

#include <ctype.h>
#include <strings.h>

#include "parse/dsn.h"
#include "parse/xtext.h"

/* An own, plain reading of xtext: its octets, or -1. */
static int decode(struct slice text, char *ret)
{
    int n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char two[3] = {0};
        if (text.p[i] != '+') {
            ret[n++] = text.p[i];
            continue;
        }
        if (text.n - i < 3 || !isxdigit((unsigned char)text.p[i + 1]) ||
            !isxdigit((unsigned char)text.p[i + 2]))
            return -1;
        memcpy(two, text.p + i + 1, 2);
        ret[n++] = (char)strtoul(two, NULL, 16);
        i += 2;
    }
    return n;
}

static void check_xtext(struct slice text)
{
    char octets[DSN_ORCPT_MAX + 1], again[XTEXT_GROWS * (DSN_ORCPT_MAX + 1)];
    int n;

    FUZZ_CHECK(text.n <= DSN_ORCPT_MAX);
    n = decode(text, octets);
    FUZZ_CHECK(n >= 0);
    for (int i = 0; i < n; i++)
        FUZZ_CHECK(octets[i] >= ' ' && octets[i] <= '~');
    size_t m = xtext_encode((struct slice){octets, (size_t)n}, again, sizeof(again));
    FUZZ_CHECK(xtext_is_printable((struct slice){again, m}));
    FUZZ_CHECK(decode((struct slice){again, m}, octets) == n);
}

static void check_mail(const struct dsn_mail *m)
{
    FUZZ_CHECK(m->ret.n == 0 || m->ret.n == 4);
    FUZZ_CHECK(m->envid.n <= DSN_ENVID_MAX);
    if (m->envid.n > 0)
        check_xtext(m->envid);
}

static void check_rcpt(const struct dsn_rcpt *r)
{
    const char *semicolon;

    FUZZ_CHECK(r->notify.n <= strlen("SUCCESS,FAILURE,DELAY"));
    FUZZ_CHECK(!r->promises || r->notify.n > 0);
    if (r->notify.n >= 5 && strncasecmp(r->notify.p, "NEVER", 5) == 0)
        FUZZ_CHECK(r->notify.n == 5 && r->promises);
    if (r->orcpt.n == 0)
        return;
    semicolon = memchr(r->orcpt.p, ';', r->orcpt.n);
    FUZZ_CHECK(semicolon && semicolon > r->orcpt.p);
    semicolon++;
    FUZZ_CHECK(semicolon < r->orcpt.p + r->orcpt.n);
    check_xtext((struct slice){semicolon, (size_t)(r->orcpt.p + r->orcpt.n - semicolon)});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct slice rest = {copy, size};
    struct smtp_param p;
    struct dsn_mail mail = {0};
    struct dsn_rcpt rcpt = {0};
    char text[64];

    while (smtp_param_next(&rest, &p) > 0) {
        struct dsn_mail mail_before = mail;
        struct dsn_rcpt rcpt_before = rcpt;
        enum dsn_param m = dsn_take_mail(&p, &mail);
        enum dsn_param r = dsn_take_rcpt(&p, &rcpt);

        FUZZ_CHECK(m == DSN_OTHER || r == DSN_OTHER);
        FUZZ_CHECK((mail.ret.n + mail.envid.n > mail_before.ret.n + mail_before.envid.n) ==
                   (m == DSN_TAKEN));
        FUZZ_CHECK((rcpt.notify.n + rcpt.orcpt.n > rcpt_before.notify.n + rcpt_before.orcpt.n) ==
                   (r == DSN_TAKEN));
        check_mail(&mail);
        check_rcpt(&rcpt);
    }
    size_t n = xtext_encode((struct slice){copy, size}, text, sizeof(text));
    FUZZ_CHECK(n <= sizeof(text));
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(text[i] > ' ' && text[i] <= '~' && text[i] != '=');
    free(copy);
    return 0;
}
