/* Entries become a table's content: what each one is can be seen from it (docs/GRAMMAR.md). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/text.h"
#include "parse/ascii.h"
#include "policy/table_content.h"

/* Where the cause of an error goes. */
struct why {
    char *text;
    size_t size;
};

static int __attribute__((format(printf, 2, 3))) fail(struct why why, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(why.text, why.size, format, ap);
    va_end(ap);
    return -EINVAL;
}

const char *entry_show(struct slice text, char ret_text[static ENTRY_SHOWN_MAX])
{
    static const size_t most = 60;
    size_t n = text.n;

    if (n > most) {
        n = text_clean_length(text.p, most); /* no half character at the end */
        n = n + 4 > most ? n : most;
    }
    (void)snprintf(ret_text, ENTRY_SHOWN_MAX, "\"%.*s\"%s", (int)n, n > 0 ? text.p : "",
                   n < text.n ? "..." : "");
    text_clean(ret_text, strlen(ret_text));
    return ret_text;
}

/* ---- networks ---- */

static size_t count_of(struct slice s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        n += s.p[i] == c;
    }
    return n;
}

static bool is_made_of(struct slice s, const char *octets)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0' || strchr(octets, s.p[i]) == NULL) {
            return false;
        }
    }
    return s.n > 0;
}

/* What stands in front of a slash; all of it without one. */
static struct slice in_front_of_slash(struct slice text)
{
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;

    return (struct slice){text.p, slash != NULL ? (size_t)(slash - text.p) : text.n};
}

/* Is it meant as an address or a network, well written or not? Ranges ("192.0.2.1-192.0.2.9") and
 * masks ("192.0.2.*") are, a lone number and one colon ("192.0.2.1:25") are not. */
static bool looks_like_network(struct slice text)
{
    const struct slice host = in_front_of_slash(text);

    if (count_of(host, ':') >= 2) {
        return is_made_of(host, "0123456789abcdefABCDEF:.");
    }
    return host.p[0] != '.' && is_made_of(host, "0123456789.-*") &&
           (host.n < text.n || count_of(host, '.') > 0);
}

/* The number of bits behind the slash, at most `most`. */
static int parse_bits(struct slice digits, unsigned most, unsigned *ret)
{
    unsigned bits = 0;

    if (digits.n == 0 || digits.n > 3 || !is_made_of(digits, "0123456789")) {
        return -EINVAL;
    }
    for (size_t i = 0; i < digits.n; i++) {
        bits = bits * 10 + (unsigned)(digits.p[i] - '0');
    }
    if (bits > most) {
        return -EINVAL;
    }
    *ret = bits;
    return 0;
}

/* Takes a network apart; what is wrong with it is told. */
static int parse_network(struct slice text, struct addr *ret, unsigned *ret_bits, struct why why)
{
    const struct slice host = in_front_of_slash(text);
    char shown[ENTRY_SHOWN_MAX];
    unsigned bits;

    if (addr_parse(host, ret) < 0) {
        return fail(why,
                    "expected an address or a network, found %s; a text that looks like one is "
                    "written in quotes",
                    entry_show(text, shown));
    }
    /* An IPv4-mapped one has become IPv4. */
    const unsigned mapped = ret->family == ADDR_V4 && count_of(host, ':') > 0 ? 96 : 0;
    const unsigned most = mapped + (ret->family == ADDR_V4 ? 32 : 128);
    bits = most;
    if (host.n < text.n) {
        const struct slice digits = {host.p + host.n + 1, text.n - host.n - 1};
        if (parse_bits(digits, most, &bits) < 0 || bits < mapped) {
            return fail(why, "expected a prefix length from %u to %u behind the slash, found %s",
                        mapped, most, entry_show(digits, shown));
        }
    }
    *ret_bits = bits - mapped;
    return 0;
}

static int add_network(struct table_content *c, const struct table_entry *entry, uint32_t number,
                       struct why why)
{
    struct addr a, masked;
    unsigned bits = 0;

    int r = parse_network(entry->text, &a, &bits, why);
    if (r < 0) {
        return r;
    }
    masked = a;
    network_mask(masked.octets, bits);
    if (!addr_same_host(&a, &masked)) {
        char written[ADDR_TEXT_MAX], meant[ADDR_TEXT_MAX];
        return fail(why, "%s/%u has bits behind /%u; the network is %s/%u",
                    addr_format(&a, written), bits, bits, addr_format(&masked, meant), bits);
    }
    struct network n = {.family = a.family, .bits = (uint8_t)bits, .number = number};
    memcpy(n.octets, a.octets, sizeof(n.octets));
    n.negated = entry->negated;
    buf_append(&c->networks, &n, sizeof(n));
    return 0;
}

static int network_order(const void *x, const void *y)
{
    const struct network *a = x;
    const struct network *b = y;

    if (a->family != b->family) {
        return a->family - b->family;
    }
    return a->bits != b->bits ? b->bits - a->bits : memcmp(a->octets, b->octets, 16);
}

static int network_contradiction(const struct network *n, struct why why)
{
    struct addr a = {.family = n->family};
    char text[ADDR_TEXT_MAX];

    memcpy(a.octets, n->octets, sizeof(a.octets));
    return fail(why, "%s/%u stands both with and without \"!\"", addr_format(&a, text), n->bits);
}

/* Sorts, leaves out what is there already, and notes where each length begins. */
static int finish_networks(struct table_content *c, uint32_t *ret_number, struct why why)
{
    struct network *networks = (void *)c->networks.p;
    const size_t count = c->networks.n / sizeof(*networks);
    uint32_t kept = 0;

    if (count > 0) {
        qsort(networks, count, sizeof(*networks), network_order);
    }
    for (size_t i = 0; i < count; i++) {
        const struct network *n = &networks[i];
        const struct network *before = kept > 0 ? &networks[kept - 1] : NULL;
        if (before != NULL && network_order(before, n) == 0) {
            if (before->negated != n->negated) {
                *ret_number = n->number > before->number ? n->number : before->number;
                return network_contradiction(n, why);
            }
            continue;
        }
        if (before == NULL || before->family != n->family || before->bits != n->bits) {
            struct network_span s = {.family = n->family, .bits = n->bits, .first = kept};
            buf_append(&c->spans, &s, sizeof(s));
        }
        struct network_span *spans = (void *)c->spans.p;
        spans[c->spans.n / sizeof(*spans) - 1].count++;
        networks[kept++] = *n;
    }
    c->networks.n = kept * sizeof(*networks);
    return 0;
}

/* ---- texts ---- */

static void add_text(struct table_content *c, const struct table_entry *entry, bool suffix,
                     uint32_t number)
{
    struct table_text t = {
        .offset = (uint32_t)c->octets.n,
        .length = (uint32_t)entry->text.n,
        .hash = TEXT_HASH_START,
        .number = number,
        .suffix = suffix,
        .negated = entry->negated,
    };
    char *octets = buf_reserve(&c->octets, entry->text.n + 1);
    size_t *longest = suffix ? &c->longest_suffix : &c->longest_exact;

    for (size_t i = entry->text.n; i-- > 0;) {
        octets[i] = ascii_lower(entry->text.p[i]);
        t.hash = text_hash_step(t.hash, octets[i]);
    }
    c->octets.n += entry->text.n;
    buf_append(&c->texts, &t, sizeof(t));
    *longest = entry->text.n > *longest ? entry->text.n : *longest;
}

static int add_suffix(struct table_content *c, const struct table_entry *entry, uint32_t number,
                      struct why why)
{
    const struct slice s = entry->text;
    char shown[ENTRY_SHOWN_MAX];

    if (s.n == 1 || s.p[s.n - 1] == '.' || memmem(s.p, s.n, "..", 2) != NULL) {
        return fail(why, "expected a domain behind the dot, found %s", entry_show(s, shown));
    }
    add_text(c, entry, true, number);
    return 0;
}

static int text_contradiction(const struct table_content *c, const struct table_text *t,
                              struct why why)
{
    char shown[ENTRY_SHOWN_MAX];

    return fail(why, "%s stands both with and without \"!\"",
                entry_show((struct slice){c->octets.p + t->offset, t->length}, shown));
}

/* Puts the texts into the hash table, which is at most half full. */
static int finish_texts(struct table_content *c, uint32_t *ret_number, struct why why)
{
    const struct table_text *texts = (const void *)c->texts.p;
    const size_t count = c->texts.n / sizeof(*texts);
    size_t slots = 2;

    while (slots < count * 2) {
        slots *= 2;
    }
    if (count > 0) {
        c->slots = xcalloc(slots, sizeof(*c->slots));
        c->slot_mask = slots - 1;
    }
    for (size_t i = 0; i < count; i++) {
        const struct table_text *t = &texts[i];
        const struct slice octets = {c->octets.p + t->offset, t->length};
        const struct table_text *there = table_text_find(c, octets, t->hash, t->suffix);
        if (there != NULL && there->negated != t->negated) {
            *ret_number = t->number;
            return text_contradiction(c, t, why);
        }
        if (there == NULL) {
            size_t at = t->hash & c->slot_mask;
            while (c->slots[at] != 0) {
                at = (at + 1) & c->slot_mask;
            }
            c->slots[at] = (uint32_t)i + 1;
        }
    }
    return 0;
}

/* ---- patterns ---- */

/* "/PATTERN/" or "/PATTERN/i": the part between the slashes. */
static int take_pattern(struct slice text, struct slice *ret, bool *ret_caseless, struct why why)
{
    size_t n = text.n;
    char shown[ENTRY_SHOWN_MAX];

    *ret_caseless = text.p[n - 1] == 'i';
    n -= *ret_caseless;
    *ret = (struct slice){text.p + 1, n > 2 ? n - 2 : 0};
    bool closed = n > 1 && text.p[n - 1] == '/';
    for (size_t i = 0; i < ret->n; i++) {
        closed = closed && ret->p[i] != '/';
        if (ret->p[i] == '\\') {
            i++;
            closed = closed && i < ret->n; /* or it is the last slash that is escaped */
        }
    }
    if (!closed) {
        return fail(why, "expected /PATTERN/ or /PATTERN/i, found %s", entry_show(text, shown));
    }
    return ret->n > 0 ? 0 : fail(why, "expected a pattern between the slashes, found nothing");
}

static int add_pattern(struct table_content *c, const struct table_entry *entry, struct why why)
{
    struct table_pattern p = {.negated = entry->negated, .offset = c->pattern_octets.n};
    struct slice text;
    char cause[256];
    size_t offset;

    if (c->patterns.n / sizeof(p) == TABLE_PATTERNS_MOST) {
        return fail(why, "expected at most %d patterns", TABLE_PATTERNS_MOST);
    }
    int r = take_pattern(entry->text, &text, &p.caseless, why);
    if (r < 0) {
        return r;
    }
    if (pattern_compile(text, p.caseless, &p.pattern, cause, sizeof(cause), &offset) < 0) {
        char shown[ENTRY_SHOWN_MAX];
        return fail(why, "expected a pattern, found %s: %s (at octet %zu)", entry_show(text, shown),
                    cause, offset + 1);
    }
    p.length = text.n;
    buf_append_slice(&c->pattern_octets, text);
    buf_append(&c->patterns, &p, sizeof(p));
    return 0;
}

/* ---- whole tables ---- */

struct table_content *table_content_begin(void)
{
    return xcalloc(1, sizeof(struct table_content));
}

/* A text that other programs would take for a mask, and that could never be found here. In quotes
 * it is what it is. */
static int check_text(struct slice s, struct why why)
{
    char shown[ENTRY_SHOWN_MAX];

    if (s.n > 1 && s.p[0] == '*' && s.p[1] == '.') {
        return fail(why, "expected %s, which is every name below that domain, found \"*.\"",
                    entry_show((struct slice){s.p + 1, s.n - 1}, shown));
    }
    if (memchr(s.p, '*', s.n) != NULL) {
        return fail(why,
                    "expected a text without \"*\", found %s; write /PATTERN/, or it in quotes",
                    entry_show(s, shown));
    }
    if (s.p[0] == '@' || s.p[s.n - 1] == '@') {
        return fail(why,
                    "expected a whole mail address, found %s; write /PATTERN/, or it in quotes",
                    entry_show(s, shown));
    }
    if (s.p[0] == '!') {
        return fail(why, "expected \"!\" once, found it again");
    }
    return s.p[s.n - 1] != '.' ? 0
                               : fail(why, "expected no dot at the end, found %s; or it in quotes",
                                      entry_show(s, shown));
}

static int add_any(struct table_content *c, const struct table_entry *entry, uint32_t number,
                   struct why why)
{
    const struct slice s = entry->text;

    if (entry->quoted) {
        add_text(c, entry, false, number);
        return 0;
    }
    if (s.n == 0) {
        return fail(why, "expected an entry, found nothing");
    }
    if (s.p[0] == '/') {
        return add_pattern(c, entry, why);
    }
    if (looks_like_network(s)) {
        return add_network(c, entry, number, why);
    }
    if (s.p[0] == '.') {
        return add_suffix(c, entry, number, why);
    }
    int r = check_text(s, why);
    if (r == 0) {
        add_text(c, entry, false, number);
    }
    return r;
}

int table_content_add(struct table_content *c, const struct table_entry *entry, uint32_t number,
                      char *ret_why, size_t why_size)
{
    int r = add_any(c, entry, number, (struct why){ret_why, why_size});

    if (r == 0) {
        c->count++;
    }
    return r;
}

int table_content_finish(struct table_content *c, uint32_t *ret_number, char *ret_why,
                         size_t why_size)
{
    const struct why why = {ret_why, why_size};
    int r = finish_networks(c, ret_number, why);

    return r < 0 ? r : finish_texts(c, ret_number, why);
}

int table_content_new(const struct table_entry *entries, size_t count, struct table_content **ret,
                      const struct table_entry **ret_bad, char *ret_why, size_t why_size)
{
    struct table_content *c = table_content_begin();
    uint32_t number = 0;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        number = (uint32_t)i;
        r = table_content_add(c, &entries[i], number, ret_why, why_size);
    }
    if (r == 0) {
        r = table_content_finish(c, &number, ret_why, why_size);
    }
    if (r < 0) {
        *ret_bad = &entries[number];
        (void)table_content_free(c);
        return r;
    }
    *ret = c;
    return 0;
}
