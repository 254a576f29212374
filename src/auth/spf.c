/* The two identities that are checked, and what is done before check_host() begins. */
#include "auth/spf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/spf_impl.h"
#include "base/fatal.h"

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] > 127) {
            return false;
        }
    }
    return true;
}

/* 5: an IPv4-mapped address is the IPv4 address. */
static struct addr unmapped(const struct addr *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct addr ret = {.family = a->family};

    if (a->family == ADDR_V6 && memcmp(a->octets, prefix, sizeof(prefix)) == 0) {
        ret.family = ADDR_V4;
        memcpy(ret.octets, a->octets + sizeof(prefix), 4);
        return ret;
    }
    memcpy(ret.octets, a->octets, sizeof(ret.octets));
    return ret;
}

/* 7.3: "i" is the dotted address, of IPv6 its 32 nibbles; in capitals, as the test suite has it. */
static void format_ip(const struct addr *a, char *ret, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    char *p = ret;

    if (a->family != ADDR_V6) {
        snprintf(ret, size, "%u.%u.%u.%u", a->octets[0], a->octets[1], a->octets[2], a->octets[3]);
        return;
    }
    for (int i = 0; i < 16; i++) {
        *p++ = hex[a->octets[i] >> 4];
        *p++ = '.';
        *p++ = hex[a->octets[i] & 15];
        *p++ = '.';
    }
    p[-1] = '\0';
}

static struct slice or_unknown(struct slice text)
{
    return text.n > 0 ? text : SLICE_LIT("unknown");
}

/* A domain as the check wants it (4.3): U-labels become A-labels. */
static struct slice domain_of(struct spf_check *c, struct slice text)
{
    char ascii[DNS_NAME_TEXT_MAX];

    if (is_ascii(text) || dns_name_parse_idn(text, &c->name) < 0) {
        return text;
    }
    size_t n = dns_name_format(&c->name, ascii);
    return arena_copy(&c->kept, (struct slice){ascii, n});
}

static void set_values(struct spf_check *c, struct slice local_part, struct slice domain)
{
    const struct spf_query *q = c->query;
    struct slice *of = c->values.of;

    format_ip(&c->client, c->ip, sizeof(c->ip));
    addr_format(&c->client, c->client_text);
    snprintf(c->time_text, sizeof(c->time_text), "%" PRId64, q->wall / USEC_SEC);
    of[SPF_MACRO_SENDER] =
        arena_printf(&c->kept, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(local_part), SLICE_ARG(domain));
    of[SPF_MACRO_LOCAL_PART] = local_part;
    of[SPF_MACRO_SENDER_DOMAIN] = domain;
    of[SPF_MACRO_DOMAIN] = domain;
    of[SPF_MACRO_IP] = slice_of(c->ip);
    of[SPF_MACRO_VALIDATED] = SLICE_LIT("unknown");
    of[SPF_MACRO_VERSION] = slice_of(c->client.family == ADDR_V6 ? "ip6" : "in-addr");
    of[SPF_MACRO_HELO] = or_unknown(domain_of(c, q->helo));
    of[SPF_MACRO_CLIENT] = slice_of(c->client_text);
    of[SPF_MACRO_RECEIVER] = or_unknown(q->local_host);
    of[SPF_MACRO_TIME] = slice_of(c->time_text);
}

/* The outcome's domain: the name's usual form, where it is one. */
static struct slice shown_domain(struct spf_check *c, struct slice domain)
{
    char text[DNS_NAME_TEXT_MAX];

    if (dns_name_parse(domain, &c->name) < 0) {
        return spf_clean(c->arena, domain);
    }
    size_t n = dns_name_format(&c->name, text);
    return spf_clean(c->arena, (struct slice){text, n});
}

static int run(struct spf_check *c, struct slice domain, struct spf_outcome *ret)
{
    struct spf_outcome outcome = {.explanation = SLICE_LIT("")};
    struct spf_verdict verdict = {.result = AUTH_NONE, .mechanism = SLICE_LIT("")};
    int r = 0;

    /* Without an address there is nothing to be authorised. */
    if (c->client.family != ADDR_NONE && (r = spf_check_host(c, domain, &verdict)) < 0) {
        return r;
    }
    if (verdict.result == AUTH_FAIL && (r = spf_explain(c, &verdict, &outcome.explanation)) < 0) {
        return r;
    }
    outcome.result = verdict.result;
    outcome.domain = shown_domain(c, domain);
    outcome.mechanism = spf_clean(c->arena, verdict.mechanism);
    outcome.problem = c->problem;
    outcome.lookups = c->lookups;
    outcome.voids = c->voids;
    *ret = outcome;
    return 0;
}

static struct slice without_dot(struct slice domain)
{
    domain.n -= domain.n > 0 && domain.p[domain.n - 1] == '.';
    return domain;
}

static int check(const struct spf_query *q, struct slice local_part, struct slice domain,
                 struct arena *arena, struct spf_outcome *ret)
{
    /* 1 KB: not for a coroutine's stack. */
    struct spf_check *c = xcalloc(1, sizeof(*c));

    c->query = q;
    c->arena = arena;
    c->client = unmapped(&q->client);
    c->problem = SLICE_LIT("");
    c->void_counted = true; /* the question for the first record is no term's */
    /* 4.3: what has no local-part gets "postmaster". */
    local_part = local_part.n > 0 ? local_part : SLICE_LIT("postmaster");
    c->odd_local_part = !is_ascii(local_part);
    arena_init(&c->kept);
    arena_init(&c->scratch);
    domain = domain_of(c, without_dot(domain));
    set_values(c, local_part, domain);
    int r = run(c, domain, ret);
    arena_free(&c->kept);
    arena_free(&c->scratch);
    free(c);
    return r;
}

int spf_check_helo(const struct spf_query *q, struct arena *arena, struct spf_outcome *ret)
{
    return check(q, SLICE_LIT(""), q->helo, arena, ret);
}

int spf_check_sender(const struct spf_query *q, struct arena *arena, struct spf_outcome *ret)
{
    if (q->sender.n == 0) {
        return spf_check_helo(q, arena, ret);
    }
    const char *at_sign = memrchr(q->sender.p, '@', q->sender.n);
    size_t local = at_sign != NULL ? (size_t)(at_sign - q->sender.p) : 0;
    size_t domain = at_sign != NULL ? local + 1 : 0;
    return check(q, (struct slice){q->sender.p, local},
                 (struct slice){q->sender.p + domain, q->sender.n - domain}, arena, ret);
}
