/* DATA in pieces against DATA whole against the octet-by-octet model; then the message that came
 * out, stuffed again, must come out again, with the notes that a scan of it takes. */
#include "fuzz.h"

#include "../unit/smtp_data_model.h"

static struct data_notes decode(const char *wire, size_t n, struct fuzz_pieces pieces,
                                const char *message, const struct data_model *m)
{
    struct data_decoder d;
    size_t taken = 0;
    size_t size = 0;
    bool ended = false;

    data_decoder_init(&d);
    while (taken < n && !ended) {
        size_t length = fuzz_pieces_next(&pieces, n - taken);
        char *piece = fuzz_copy(wire + taken, length);
        size_t out;
        size_t used = data_decode(&d, piece, length, &out, &ended);

        FUZZ_CHECK(out <= used && used <= length && (ended || used == length));
        FUZZ_CHECK(out <= m->size - size && memcmp(piece, message + size, out) == 0);
        taken += used;
        size += out;
        free(piece);
    }
    FUZZ_CHECK(ended == m->ended && taken == m->taken && size == m->size);
    return d.notes;
}

static struct data_notes scan(const char *p, size_t n, struct fuzz_pieces pieces)
{
    struct data_decoder d;

    data_decoder_init(&d);
    while (n > 0) {
        size_t length = fuzz_pieces_next(&pieces, n);
        char *piece = fuzz_copy(p, length);

        data_scan(&d, piece, length);
        free(piece);
        p += length;
        n -= length;
    }
    data_scan_end(&d);
    return d.notes;
}

/* Here the octets are the message, up to its last CRLF. */
static void check_round_trip(const char *message, size_t n, struct fuzz_pieces pieces)
{
    struct data_model m = {.ended = true};
    struct data_notes decoded, scanned;
    char *wire;

    while (n > 0 && !(n >= 2 && message[n - 2] == '\r' && message[n - 1] == '\n'))
        n--;
    wire = malloc(2 * n + 3);
    FUZZ_CHECK(wire);
    m.taken = model_stuff(message, n, wire);
    m.size = n;
    m.notes = model_notes(message, n, true);
    decoded = decode(wire, m.taken, pieces, message, &m);
    scanned = scan(message, n, pieces);
    FUZZ_CHECK(model_same_notes(&decoded, &m.notes));
    FUZZ_CHECK(model_same_notes(&scanned, &m.notes));
    free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fuzz_pieces whole = {.count = 0};
    struct fuzz_pieces pieces;
    struct data_notes notes;
    struct data_model m;
    const char *wire;
    char *message;

    fuzz_pieces_take(&data, &size, &pieces);
    wire = (const char *)data;
    message = malloc(size + 1);
    FUZZ_CHECK(message);
    m = model_decode(wire, size, message);
    notes = decode(wire, size, whole, message, &m);
    FUZZ_CHECK(model_same_notes(&notes, &m.notes));
    notes = decode(wire, size, pieces, message, &m);
    FUZZ_CHECK(model_same_notes(&notes, &m.notes));
    free(message);

    check_round_trip(wire, size, pieces);
    return 0;
}
