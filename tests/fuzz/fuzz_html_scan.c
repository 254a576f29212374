/* HTML: tokens follow each other within the text and leave nothing out but marks, attributes lie
 * within their tag, and decoding never makes a text longer. */
#include "fuzz.h"

#include "parse/html_scan.h"

static void check_attributes(const struct html_token *t)
{
    struct slice rest = t->octets;
    struct html_attribute a;

    while (html_attribute_next(&rest, &a)) {
        FUZZ_CHECK(a.name.n > 0 && fuzz_within(a.name, t->octets));
        FUZZ_CHECK(a.value.n == 0 || fuzz_within(a.value, t->octets));
        FUZZ_CHECK(fuzz_within(rest, t->octets));
    }
}

static void check_decoding(struct slice text)
{
    char *copy = fuzz_copy(text.p, text.n);
    char *other = malloc(text.n);
    size_t needless = 0;

    const size_t n = html_decode(text, other, &needless);
    FUZZ_CHECK(n <= text.n && needless <= text.n / 4);
    FUZZ_CHECK(html_decode((struct slice){copy, text.n}, copy, NULL) == n);
    FUZZ_CHECK(n == 0 || memcmp(copy, other, n) == 0);
    free(copy);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice html = {fuzz_copy(data, size), size};
    const char *at = html.p;
    struct html_token t;
    struct html_scan s;

    html_scan_init(&s, html);
    while (html_scan_next(&s, &t)) {
        FUZZ_CHECK(t.octets.p >= at && t.octets.p + t.octets.n <= s.rest.p);
        FUZZ_CHECK(fuzz_within(s.rest, html));
        at = s.rest.p;
        if (t.kind == HTML_OPEN) {
            check_attributes(&t);
        } else if (t.kind == HTML_TEXT) {
            check_decoding(t.octets);
        }
    }
    FUZZ_CHECK(at == html.p + html.n || size == 0);
    free((char *)html.p);
    return 0;
}
