/* The text of a reply to EHLO. Its first line says nothing; each further one by itself says what it
 * says among the others. */
#include "fuzz.h"

#include "parse/ehlo_reply.h"

static void add(struct hop_capabilities *sum, const struct hop_capabilities *one)
{
    sum->pipelining |= one->pipelining;
    sum->eightbitmime |= one->eightbitmime;
    sum->smtputf8 |= one->smtputf8;
    sum->chunking |= one->chunking;
    sum->enhanced_codes |= one->enhanced_codes;
    sum->starttls |= one->starttls;
    sum->dsn |= one->dsn;
    sum->size |= one->size;
    sum->size_limit = one->size && one->size_limit > 0 ? one->size_limit : sum->size_limit;
    sum->xforward |= one->xforward;
    sum->xclient |= one->xclient;
}

static bool same(const struct hop_capabilities *a, const struct hop_capabilities *b)
{
    return a->pipelining == b->pipelining && a->eightbitmime == b->eightbitmime &&
           a->smtputf8 == b->smtputf8 && a->chunking == b->chunking &&
           a->enhanced_codes == b->enhanced_codes && a->starttls == b->starttls &&
           a->dsn == b->dsn && a->size == b->size && a->xforward == b->xforward &&
           a->xclient == b->xclient && (a->size_limit == b->size_limit || a->size_limit == 0);
}

/* The line with a first one in front, parsed alone. */
static void parse_alone(const char *line, size_t n, struct hop_capabilities *ret)
{
    char *text = malloc(n + 1);

    FUZZ_CHECK(text);
    text[0] = '\n';
    memcpy(text + 1, line, n);
    ehlo_reply_parse((struct slice){text, n + 1}, ret);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct hop_capabilities all, one, sum = {0};
    const char *end = copy + size;
    const char *at = size > 0 ? memchr(copy, '\n', size) : NULL;

    ehlo_reply_parse((struct slice){copy, size}, &all);
    while (at) {
        const char *line = at + 1;
        at = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
        parse_alone(line, (size_t)((at ? at : end) - line), &one);
        add(&sum, &one);
    }
    FUZZ_CHECK(same(&all, &sum));
    FUZZ_CHECK(all.xforward < 128 && all.xclient < 128);
    FUZZ_CHECK(all.size || all.size_limit == 0);
    free(copy);
    return 0;
}
