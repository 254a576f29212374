/* The counts of fields in pieces, against one taken line by line. Which further names are counted
 * is said by the upper bits of the first octet. */
#include "fuzz.h"

#include <strings.h>

#include "parse/header.h"

static bool is_field(const char *name, const char *line, size_t n)
{
    size_t i = strlen(name);

    if (n < i || strncasecmp(line, name, i) != 0)
        return false;
    while (i < n && (line[i] == ' ' || line[i] == '\t'))
        i++;
    return i < n && line[i] == ':';
}

/* Beginnings of each other, and of what is counted in any case. */
static const struct slice further[] = {SLICE_LIT("x-spam"), SLICE_LIT("x-spam-flag"),
                                       SLICE_LIT("rec"), SLICE_LIT("received-spf"),
                                       SLICE_LIT("authentication-results")};
#define FURTHER (sizeof(further) / sizeof(further[0]))

/* Those of them that `bits` name; how many. */
static size_t choose(unsigned bits, struct slice ret[static FURTHER])
{
    size_t count = 0;

    for (size_t i = 0; i < FURTHER; i++) {
        if ((bits >> i & 1) != 0)
            ret[count++] = further[i];
    }
    return count;
}

static bool is_result(const char *line, size_t n, const struct slice *more, size_t count)
{
    bool is = is_field("authentication-results", line, n);

    for (size_t i = 0; i < count; i++)
        is = is || is_field(more[i].p, line, n);
    return is;
}

static void check_counts(const char *p, size_t n, const struct slice *more, size_t count,
                         const struct header_counter *h)
{
    uint32_t received = 0, results = 0;
    bool done = false;

    FUZZ_CHECK(h->begins_blank == (n > 0 && (p[0] == ' ' || p[0] == '\t')));
    while (n > 0 && !done) {
        const char *lf = memchr(p, '\n', n);
        size_t length = lf ? (size_t)(lf - p) : n;

        done = lf && (length == 0 || (length == 1 && p[0] == '\r'));
        received += is_field("received", p, length);
        results += is_result(p, length, more, count);
        if (!lf)
            break;
        p += length + 1;
        n -= length + 1;
    }
    FUZZ_CHECK(h->received == received);
    FUZZ_CHECK(h->results == results);
    FUZZ_CHECK(h->done == done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_pieces pieces;
    struct header_counter h;
    struct slice more[FURTHER];
    const size_t count = choose(size > 0 ? data[0] >> 3 : 0, more);

    fuzz_pieces_take(&data, &size, &pieces);
    header_counter_init(&h);
    header_counter_add(&h, more, count);
    for (size_t at = 0, n; at < size; at += n) {
        char *piece;

        n = fuzz_pieces_next(&pieces, size - at);
        piece = fuzz_copy(data + at, n);
        header_counter_feed(&h, piece, n);
        free(piece);
    }
    check_counts((const char *)data, size, more, count, &h);
    return 0;
}
