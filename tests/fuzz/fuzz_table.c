/* A table's file of any octets, and questions to it. What is one line's is asked of that line alone
 * too: a table without "!" has what any of its lines has, and no other line can change what the
 * most specific one says. */
#include "fuzz.h"

#include <errno.h>

#include "policy/table.h"

#define LINES_MOST 8

struct whole {
    struct policy_table table;
    struct policy_table lines[LINES_MOST];
    size_t count;   /* of lines that were parsed alone */
    bool complete;  /* are these all there are? */
    bool negations; /* may there be any? */
};

static bool parse(struct slice text, struct policy_table *ret)
{
    char why[64];
    struct place at = {0};
    struct table_content *const untouched = (void *)1;
    struct table_content *c = untouched;
    const int r = table_content_parse(text, &c, &at, why, sizeof(why));

    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((c == untouched) == (r < 0));
    if (r < 0) {
        FUZZ_CHECK(at.line >= 1 && at.line <= text.n + 1);
        FUZZ_CHECK(at.column >= 1 && at.column <= text.n + 1);
        FUZZ_CHECK(at.source == NULL);
        FUZZ_CHECK(memchr(why, '\0', sizeof(why)) != NULL && why[0] != '\0');
        return false;
    }
    *ret = (struct policy_table){.name = "", .content = c};
    FUZZ_CHECK(table_content_same(c, c));
    FUZZ_CHECK((table_content_count(c) > 0) ==
               (table_content_has_networks(c) || table_content_has_texts(c)));
    return true;
}

static void parse_lines(struct slice text, struct whole *w)
{
    size_t entries = 0;

    w->complete = true;
    while (text.n > 0) {
        const char *feed = memchr(text.p, '\n', text.n);
        const size_t n = feed != NULL ? (size_t)(feed - text.p) + 1 : text.n;
        if (w->count == LINES_MOST) {
            w->complete = false;
            return;
        }
        /* What is good in a whole is good alone. */
        FUZZ_CHECK(parse((struct slice){text.p, n}, &w->lines[w->count]));
        entries += table_content_count(w->lines[w->count].content);
        w->count++;
        text.p += n;
        text.n -= n;
    }
    FUZZ_CHECK(entries == table_content_count(w->table.content));
}

static int ask_text(const struct policy_table *t, struct slice text)
{
    const int r = table_has_text(t, text);

    FUZZ_CHECK(r == 0 || r == 1 || r == -E2BIG);
    return r;
}

/* Without "!" it is in the whole if, and only if, it is in a line; with "!" it can at least not be
 * in the whole without being in a line. */
static void check(int whole, const struct whole *w, const int *lines)
{
    bool any = false;
    bool stopped = whole == -E2BIG;

    for (size_t i = 0; i < w->count; i++) {
        any = any || lines[i] == 1;
        stopped = stopped || lines[i] == -E2BIG;
    }
    if (w->complete && !stopped) {
        FUZZ_CHECK(whole == 0 || any);
        FUZZ_CHECK(w->negations || whole == any);
    }
}

static void question_text(const struct whole *w, struct slice text)
{
    int lines[LINES_MOST];
    char *copy = fuzz_copy(text.p, text.n);
    const struct slice exact = {copy, text.n};

    for (size_t i = 0; i < w->count; i++) {
        lines[i] = ask_text(&w->lines[i], exact);
    }
    check(ask_text(&w->table, exact), w, lines);
    free(copy);
}

static void question_address(const struct whole *w, const struct addr *a)
{
    int lines[LINES_MOST];
    const int whole = table_has_address(&w->table, a);

    FUZZ_CHECK(whole == 0 || whole == 1);
    for (size_t i = 0; i < w->count; i++) {
        lines[i] = table_has_address(&w->lines[i], a);
    }
    check(whole, w, lines);
}

/* Addresses near those that the text has. */
static void question_addresses(const struct whole *w, struct slice text)
{
    struct addr a;

    for (size_t at = 0, questions = 0; at < text.n && questions < 64; at++) {
        size_t n = text.n - at;
        const char *end = memchr(text.p + at, '/', n);
        n = end != NULL ? (size_t)(end - text.p) - at : n;
        if ((at == 0 || text.p[at - 1] == '\n' || text.p[at - 1] == '!') &&
            addr_parse((struct slice){text.p + at, n}, &a) == 0) {
            for (unsigned bit = 0; bit < 128; bit += 7, questions++) {
                struct addr near = a;
                near.octets[bit / 8] ^= (uint8_t)(0x80 >> (bit % 8));
                memset(near.octets + (a.family == ADDR_V4 ? 4 : 16), 0,
                       a.family == ADDR_V4 ? 12 : 0);
                question_address(w, &near);
            }
            question_address(w, &a);
        }
    }
}

/* Up to the first NUL stands the table, behind it a text to ask for. A byte order mark is left out
 * only at the start of a file: lines that have one are not asked alone. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t n = nul != NULL ? (size_t)(nul - data) : size;
    char *copy = fuzz_copy(data, n);
    const struct slice text = {copy, n};
    const struct slice asked = {(const char *)data + n, size - n};
    struct whole w = {.negations = n > 0 && memchr(data, '!', n) != NULL};

    if (parse(text, &w.table)) {
        if (memmem(copy, n, "\xef\xbb\xbf", 3) == NULL) {
            parse_lines(text, &w);
        }
        question_text(&w, (struct slice){NULL, 0});
        question_text(&w, asked.n > 0 ? (struct slice){asked.p + 1, asked.n - 1} : asked);
        question_text(&w, text);
        question_addresses(&w, text);
        (void)table_content_free(w.table.content);
    }
    for (size_t i = 0; i < w.count; i++) {
        (void)table_content_free(w.lines[i].content);
    }
    free(copy);
    return 0;
}
