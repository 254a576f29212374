/* See auth/auth_results.h. One function for each method; properties are those that RFC 8601 2.7,
 * RFC 6008, RFC 8617 10.2 and RFC 9989 9.1 register. */
#include "auth/auth_results.h"

#include "auth/field_writer.h"
#include "parse/dns_name.h"
#include "parse/smtp_address.h"

/* "; method=result", on a line of its own */
static void begin_method(struct field_writer *w, const char *method, enum auth_result result)
{
    field_semicolon(w, true);
    field_word(w, "%s=%s", method, auth_result_name(result));
}

static void write_iprev(struct field_writer *w, const struct auth_iprev *iprev)
{
    char client[ADDR_TEXT_MAX];

    begin_method(w, "iprev", iprev->result);
    field_property(w, "policy.iprev", slice_of(addr_format(&iprev->client, client)));
    field_comment(w, iprev->name);
}

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > 127) {
            return false;
        }
    }
    return true;
}

/* A mailbox; of one with UTF-8 its domain in A-labels, because the message need not be one that may
 * have UTF-8 in its header (RFC 8601 5). */
static void mailbox_property(struct field_writer *w, const char *name, struct slice mailbox)
{
    struct dns_name domain;
    char text[DNS_NAME_TEXT_MAX];

    if (!is_ascii(mailbox) && dns_name_parse_idn(smtp_mailbox_domain(mailbox), &domain) == 0) {
        mailbox = (struct slice){text, dns_name_format(&domain, text)};
    }
    field_property(w, name, mailbox);
}

static void write_spf(struct field_writer *w, const struct spf_outcome *spf, struct slice sender,
                      struct slice helo)
{
    begin_method(w, "spf", spf->result);
    field_text(w, "reason", spf->problem);
    if (sender.n > 0) {
        mailbox_property(w, "smtp.mailfrom", sender);
    } else {
        mailbox_property(w, "smtp.helo", helo);
    }
}

static void dkim_comment(struct field_writer *w, const struct dkim_result *d)
{
    if (d->result != AUTH_PASS) {
        return;
    }
    if (d->algorithm.n > 3 && memcmp(d->algorithm.p, "rsa", 3) == 0) {
        field_word(w, "(%u-bit key)", d->key_bits);
    }
    if (d->partial) {
        field_word(w, "(a part of the body is not signed)");
    }
    if (d->testing) {
        field_word(w, "(key for tests)");
    }
}

static void write_dkim(struct field_writer *w, const struct dkim_outcome *dkim)
{
    if (dkim->count == 0) {
        begin_method(w, "dkim", AUTH_NONE);
    }
    for (size_t i = 0; i < dkim->count; i++) {
        const struct dkim_result *d = &dkim->signatures[i];
        begin_method(w, "dkim", d->result);
        dkim_comment(w, d);
        field_text(w, "reason", d->problem);
        field_property(w, "header.d", d->domain);
        field_property(w, "header.s", d->selector);
        mailbox_property(w, "header.i", d->identity);
        field_property(w, "header.a", d->algorithm);
        field_property(w, "header.b", d->b);
    }
}

static void write_arc(struct field_writer *w, const struct arc_outcome *arc)
{
    begin_method(w, "arc", arc->result);
    if (arc->count > 0) {
        field_word(w, "(i=%u)", arc->sets[0].instance);
    }
    field_text(w, "reason", arc->problem);
    if (arc->result == AUTH_PASS) {
        field_word(w, "header.oldest-pass=%u", arc->oldest_pass);
    }
}

static void write_dmarc(struct field_writer *w, const struct dmarc_outcome *dmarc)
{
    begin_method(w, "dmarc", dmarc->result);
    if (dmarc->testing) {
        field_word(w, "(t=y)");
    }
    field_text(w, "reason", dmarc->problem);
    field_property(w, "header.from", dmarc->from);
    field_property(w, "policy.dmarc", slice_of(dmarc_policy_name(dmarc->policy)));
}

struct slice auth_results_write(const struct auth_report *r, struct arena *arena)
{
    /* RFC 8617 10.1 has no word for a chain whose keys could not be looked up. */
    const bool arc = r->arc != NULL && r->arc->result != AUTH_TEMPERROR;
    struct field_writer w;

    field_begin(&w, "Authentication-Results");
    field_value(&w, r->id);
    if (r->iprev != NULL) {
        write_iprev(&w, r->iprev);
    }
    if (r->spf_helo != NULL) {
        write_spf(&w, r->spf_helo, SLICE_LIT(""), r->helo);
    }
    if (r->spf != NULL) {
        write_spf(&w, r->spf, r->sender, r->helo);
    }
    if (r->dkim != NULL) {
        write_dkim(&w, r->dkim);
    }
    if (arc) {
        write_arc(&w, r->arc);
    }
    if (r->dmarc != NULL) {
        write_dmarc(&w, r->dmarc);
    }
    if (!r->iprev && !r->spf_helo && !r->spf && !r->dkim && !arc && !r->dmarc) {
        field_semicolon(&w, false);
        field_word(&w, "none");
    }
    return field_end(&w, arena);
}
