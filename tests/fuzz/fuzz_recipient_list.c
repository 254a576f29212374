/* Lists of recipients: a text is a list or there is a reason with a line in it; each entry of a
 * list is found again by the plain rules of the format. */
#include "fuzz.h"

#include "route/recipient_list.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The entry at the beginning of a line; empty when there is none. */
static struct slice entry_of(struct slice line)
{
    size_t n = 0;

    while (n < line.n && !blank(line.p[n]))
        n++;
    return (struct slice){line.p, line.n > 0 && line.p[0] == '#' ? 0 : n};
}

static void check_entry(const struct recipient_list *l, struct slice entry)
{
    static const struct slice somewhere = SLICE_LIT("somewhere.example"), any = SLICE_LIT("any");
    const char *at = memrchr(entry.p, '@', entry.n);
    struct slice local = {entry.p, at ? (size_t)(at - entry.p) : entry.n};
    struct slice domain = at ? (struct slice){at + 1, entry.n - local.n - 1} : somewhere;

    FUZZ_CHECK(recipient_list_has(l, local.n > 0 ? local : any, domain, ""));
    FUZZ_CHECK(recipient_list_has(l, local.n > 0 ? local : any, domain, "+"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[200] = "";
    struct slice text = {fuzz_copy(data, size), size}, rest = text;
    struct recipient_list *l = recipient_list_parse(text, why, sizeof(why));
    size_t count = 0;

    FUZZ_CHECK(l ? why[0] == '\0' : why[0] == ':' && why[1] >= '1' && why[1] <= '9');
    if (l && size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3))
        rest = (struct slice){text.p + 3, text.n - 3};
    while (l && rest.n > 0) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t n = lf ? (size_t)(lf - rest.p) : rest.n;
        struct slice entry = entry_of((struct slice){rest.p, n});

        if (entry.n > 0) {
            check_entry(l, entry);
            count++;
        }
        n += lf != NULL;
        rest = (struct slice){rest.p + n, rest.n - n};
    }
    FUZZ_CHECK(!l || recipient_list_count(l) == count);
    (void)recipient_list_free(l);
    free((char *)text.p);
    return 0;
}
