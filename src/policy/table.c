/* Asking a table: is this address, or this text, in it? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/table_content.h"

struct table_content *table_content_free(struct table_content *c)
{
    if (c != NULL) {
        const struct table_pattern *patterns = (const void *)c->patterns.p;
        for (size_t i = 0; i < c->patterns.n / sizeof(*patterns); i++) {
            (void)pattern_free(patterns[i].pattern);
        }
        buf_free(&c->networks);
        buf_free(&c->spans);
        buf_free(&c->texts);
        buf_free(&c->octets);
        buf_free(&c->patterns);
        buf_free(&c->pattern_octets);
        free(c->slots);
        free(c);
    }
    return NULL;
}

bool table_content_has_networks(const struct table_content *c)
{
    return c->networks.n > 0;
}

bool table_content_has_texts(const struct table_content *c)
{
    return c->texts.n > 0 || c->patterns.n > 0;
}

size_t table_content_count(const struct table_content *c)
{
    return c->count;
}

bool table_content_is_patterns(const struct table_content *c, const char **ret_what)
{
    const struct table_pattern *patterns = (const void *)c->patterns.p;
    bool negated = false;

    for (size_t i = 0; i < table_content_pattern_count(c); i++) {
        negated = negated || patterns[i].negated;
    }
    *ret_what = c->networks.n > 0 ? "networks"
                : c->texts.n > 0  ? "texts"
                : negated         ? "a pattern with \"!\""
                                  : NULL;
    return *ret_what == NULL;
}

size_t table_content_pattern_count(const struct table_content *c)
{
    return c->patterns.n / sizeof(struct table_pattern);
}

struct slice table_content_pattern(const struct table_content *c, size_t i, bool *ret_caseless)
{
    const struct table_pattern *p = (const struct table_pattern *)(const void *)c->patterns.p + i;

    *ret_caseless = p->caseless;
    return (struct slice){c->pattern_octets.p + p->offset, p->length};
}

bool table_content_same(const struct table_content *a, const struct table_content *b)
{
    return a->from_file && b->from_file && memcmp(&a->digest, &b->digest, sizeof(a->digest)) == 0;
}

/* ---- addresses ---- */

void network_mask(uint8_t octets[static 16], unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        if (bits <= i * 8) {
            octets[i] = 0;
        } else if (bits < i * 8 + 8) {
            octets[i] &= (uint8_t)(0xff00u >> (bits - i * 8));
        }
    }
}

static int network_is(const void *octets, const void *network)
{
    return memcmp(octets, ((const struct network *)network)->octets, 16);
}

int table_has_address(const struct policy_table *t, const struct addr *a)
{
    const struct table_content *c = t->content;
    const struct network *networks = (const void *)c->networks.p;
    const struct network_span *spans = (const void *)c->spans.p;
    uint8_t octets[16];

    memcpy(octets, a->octets, sizeof(octets));
    for (size_t i = 0; i < c->spans.n / sizeof(*spans); i++) {
        if (spans[i].family != a->family) {
            continue;
        }
        /* The spans of a family become shorter: what is masked once stays so. */
        network_mask(octets, spans[i].bits);
        const struct network *found = bsearch(octets, networks + spans[i].first, spans[i].count,
                                              sizeof(*networks), network_is);
        if (found != NULL) {
            return !found->negated;
        }
    }
    return 0;
}

/* ---- texts ---- */

const struct table_text *table_text_find(const struct table_content *c, struct slice text,
                                         uint32_t hash, bool suffix)
{
    const struct table_text *texts = (const void *)c->texts.p;

    if (c->slots == NULL) {
        return NULL;
    }
    for (size_t i = hash & c->slot_mask; c->slots[i] != 0; i = (i + 1) & c->slot_mask) {
        const struct table_text *t = &texts[c->slots[i] - 1];
        if (t->hash == hash && t->suffix == suffix &&
            slice_eq_nocase(text, (struct slice){c->octets.p + t->offset, t->length})) {
            return t;
        }
    }
    return NULL;
}

/* The exact text, else the longest suffix. */
static const struct table_text *find_most_specific(const struct table_content *c, struct slice text)
{
    const size_t most = c->longest_exact > c->longest_suffix ? c->longest_exact : c->longest_suffix;
    const struct table_text *found = NULL;
    uint32_t hash = TEXT_HASH_START;
    size_t n = 0;

    for (; n < text.n && n <= most; n++) {
        const char *p = text.p + (text.n - n - 1);
        hash = text_hash_step(hash, *p);
        /* What stands below a domain has something in front of the dot. */
        if (*p == '.' && n < c->longest_suffix && p > text.p) {
            const struct table_text *t = table_text_find(c, (struct slice){p, n + 1}, hash, true);
            found = t != NULL ? t : found;
        }
    }
    const struct table_text *exact = n == text.n ? table_text_find(c, text, hash, false) : NULL;
    return exact != NULL ? exact : found;
}

/* The first pattern that matches. */
static int ask_patterns(const struct table_content *c, struct slice text)
{
    const struct table_pattern *patterns = (const void *)c->patterns.p;
    struct pattern_subject subject;
    int r = 0;

    pattern_subject_init(&subject, text);
    for (size_t i = 0; i < c->patterns.n / sizeof(*patterns) && r == 0; i++) {
        r = pattern_try(patterns[i].pattern, &subject);
        if (r > 0) {
            r = patterns[i].negated ? 0 : 1;
            break;
        }
    }
    pattern_subject_fini(&subject);
    return r;
}

int table_has_text(const struct policy_table *t, struct slice text)
{
    const struct table_text *found = find_most_specific(t->content, text);

    return found != NULL ? !found->negated : ask_patterns(t->content, text);
}
