/* See route/recipient_list.h. Entries are kept in one sorted array of slices of one text. */
#include "route/recipient_list.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/fatal.h"
#include "base/text.h"
#include "conf/value.h"
#include "parse/ascii.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct recipient_list {
    struct buf text;       /* in lower case */
    struct slice *entries; /* sorted; in `text` */
    size_t count;
    struct digest digest; /* of the file's text */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void append_lower(struct buf *b, struct slice text)
{
    ascii_lower_copy(buf_reserve(b, text.n), text.p, text.n);
    b->n += text.n;
}

/* ---- reading ---- */

/* Why it is no entry, or NULL. */
static const char *entry_fault(struct slice entry)
{
    const char *at = memrchr(entry.p, '@', entry.n);
    if (text_clean_length(entry.p, entry.n) < entry.n) {
        return "an address in UTF-8 without control characters";
    }
    if (memchr(entry.p, '"', entry.n) != NULL) {
        return "an address without quotes";
    }
    if (entry.p[0] == '*' || entry.p[0] == '!' || entry.p[0] == '/') {
        return "an address, a local part, or @DOMAIN for all of a domain";
    }
    if (at != NULL &&
        !value_is_domain((struct slice){at + 1, entry.n - (size_t)(at + 1 - entry.p)})) {
        return "a domain behind \"@\"";
    }
    return NULL;
}

struct reading {
    struct buf entries; /* struct slice */
    unsigned line;
    bool goes_on; /* the last entry has a text behind it, which may go on in the next line */
    char *why;
    size_t why_size;
};

static bool refuse(struct reading *r, const char *what, struct slice found)
{
    char shown[64];
    size_t n = found.n < sizeof(shown) - 1 ? found.n : sizeof(shown) - 1;
    memcpy(shown, found.p, n);
    shown[n] = '\0';
    text_clean(shown, n);
    (void)snprintf(r->why, r->why_size, ":%u: expected %s, found \"%s\"", r->line, what, shown);
    return false;
}

static bool take_line(struct reading *r, struct slice line)
{
    size_t from = 0, to;
    while (from < line.n && is_blank(line.p[from])) {
        from++;
    }
    if (from == line.n || line.p[0] == '#') {
        return true;
    }
    for (to = from; to < line.n && !is_blank(line.p[to]); to++) {
    }
    struct slice entry = {line.p + from, to - from};
    if (from > 0) {
        return r->goes_on || line.p[from] == '#'
                   ? true
                   : refuse(r, "an entry at the beginning of its line", entry);
    }
    const char *fault = entry_fault(entry);
    if (fault != NULL) {
        return refuse(r, fault, entry);
    }
    r->goes_on = to < line.n && line.p[to] != '\r';
    buf_append(&r->entries, &entry, sizeof(entry));
    return true;
}

static bool take_lines(struct reading *r, struct slice text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        r->line++;
        if (!take_line(r, (struct slice){text.p, n})) {
            return false;
        }
        n += end != NULL;
        text = (struct slice){text.p + n, text.n - n};
    }
    return true;
}

static int compare(const void *x, const void *y)
{
    const struct slice *a = x, *b = y;
    int order = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

static struct digest digest_of(struct slice text)
{
    struct digest_stream *d = digest_stream_new();
    digest_stream_init(d);
    digest_stream_update(d, text.p, text.n);
    struct digest digest = digest_stream_finish(d);
    digest_stream_free(d);
    return digest;
}

struct recipient_list *recipient_list_parse(struct slice text, char *ret_why, size_t why_size)
{
    static const struct slice mark = SLICE_LIT(BYTE_ORDER_MARK);
    struct reading r = {.why = ret_why, .why_size = why_size};
    struct recipient_list *l = xcalloc(1, sizeof(*l));
    l->digest = digest_of(text);
    if (text.n >= mark.n && memcmp(text.p, mark.p, mark.n) == 0) {
        text = (struct slice){text.p + mark.n, text.n - mark.n};
    }
    append_lower(&l->text, text);
    if (!take_lines(&r, buf_slice(&l->text))) {
        buf_free(&r.entries);
        return recipient_list_free(l);
    }
    l->entries = (void *)r.entries.p;
    l->count = r.entries.n / sizeof(*l->entries);
    if (l->count > 0) {
        qsort(l->entries, l->count, sizeof(*l->entries), compare);
    }
    return l;
}

struct recipient_list *recipient_list_free(struct recipient_list *l)
{
    if (l != NULL) {
        buf_free(&l->text);
        free(l->entries);
        free(l);
    }
    return NULL;
}

size_t recipient_list_count(const struct recipient_list *l)
{
    return l->count;
}

bool recipient_list_same(const struct recipient_list *a, const struct recipient_list *b)
{
    return memcmp(&a->digest, &b->digest, sizeof(a->digest)) == 0;
}

/* ---- asking ---- */

static bool has(const struct recipient_list *l, const struct buf *entry)
{
    struct slice key = buf_slice(entry);
    return l->count > 0 && key.n > 0 &&
           bsearch(&key, l->entries, l->count, sizeof(*l->entries), compare) != NULL;
}

/* The local part with the domain, or without. */
static bool has_local_part(const struct recipient_list *l, struct slice local_part,
                           struct slice domain)
{
    struct buf entry = {0};
    append_lower(&entry, local_part);
    bool found = has(l, &entry);
    if (!found) {
        buf_append(&entry, "@", 1);
        append_lower(&entry, domain);
        found = has(l, &entry);
    }
    buf_free(&entry);
    return found;
}

static bool has_domain(const struct recipient_list *l, struct slice domain)
{
    struct buf entry = {0};
    buf_append(&entry, "@", 1);
    append_lower(&entry, domain);
    bool found = has(l, &entry);
    buf_free(&entry);
    return found;
}

bool recipient_list_has(const struct recipient_list *l, struct slice local_part,
                        struct slice domain, const char *delimiters)
{
    if (has_local_part(l, local_part, domain) || has_domain(l, domain)) {
        return true;
    }
    size_t n = 1;
    while (n < local_part.n && strchr(delimiters, local_part.p[n]) == NULL) {
        n++;
    }
    return n < local_part.n && local_part.p[n] != '\0' &&
           has_local_part(l, (struct slice){local_part.p, n}, domain);
}
