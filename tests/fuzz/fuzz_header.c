/* The counts of fields in pieces, against one taken line by line. */
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

static void check_counts(const char *p, size_t n, const struct header_counter *h)
{
    uint32_t received = 0, results = 0;
    bool done = false;

    FUZZ_CHECK(h->begins_blank == (n > 0 && (p[0] == ' ' || p[0] == '\t')));
    while (n > 0 && !done) {
        const char *lf = memchr(p, '\n', n);
        size_t length = lf ? (size_t)(lf - p) : n;

        done = lf && (length == 0 || (length == 1 && p[0] == '\r'));
        received += is_field("received", p, length);
        results += is_field("authentication-results", p, length);
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

    fuzz_pieces_take(&data, &size, &pieces);
    header_counter_init(&h);
    for (size_t at = 0, n; at < size; at += n) {
        char *piece;

        n = fuzz_pieces_next(&pieces, size - at);
        piece = fuzz_copy(data + at, n);
        header_counter_feed(&h, piece, n);
        free(piece);
    }
    check_counts((const char *)data, size, &h);
    return 0;
}
