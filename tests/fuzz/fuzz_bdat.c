/* A BDAT conversation: each line of input is BDAT's argument, and behind it stand as many octets as
 * it says, or as are left. The chunks, cut once more by the network, must be noted as the message
 * that they make up. */
#include "fuzz.h"

#include <errno.h>

#include "../unit/smtp_data_model.h"
#include "parse/smtp_command.h"

static bool take_argument(struct slice *rest, uint64_t *ret_size, bool *ret_last)
{
    const char *lf = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
    size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
    char *line = fuzz_copy(rest->p, n);
    const uint64_t untouched = 0x0123456789abcdef;
    uint64_t size = untouched;
    int r = smtp_bdat_parse((struct slice){line, n}, &size, ret_last);

    FUZZ_CHECK(r == 0 || ((r == -EINVAL || r == -ERANGE) && size == untouched));
    FUZZ_CHECK(r != 0 || (n > 0 && line[0] >= '0' && line[0] <= '9'));
    free(line);
    if (r < 0 || !lf)
        return false;
    *rest = (struct slice){lf + 1, rest->n - n - 1};
    *ret_size = size;
    return true;
}

/* Scans the next `n` octets in pieces and adds them to the message. */
static void take_chunk(struct data_decoder *d, struct slice *rest, size_t n, char *message,
                       struct fuzz_pieces *pieces)
{
    while (n > 0) {
        size_t length = fuzz_pieces_next(pieces, n);
        char *piece = fuzz_copy(rest->p, length);

        data_scan(d, piece, length);
        FUZZ_CHECK(memcmp(piece, rest->p, length) == 0);
        memcpy(message + d->notes.size - length, piece, length);
        free(piece);
        *rest = (struct slice){rest->p + length, rest->n - length};
        n -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_pieces pieces;
    struct data_decoder d;
    struct data_notes expected;
    struct slice rest;
    char *message = malloc(size + 1);
    uint64_t chunk;
    bool last = false;

    FUZZ_CHECK(message);
    fuzz_pieces_take(&data, &size, &pieces);
    rest = (struct slice){(const char *)data, size};
    data_decoder_init(&d);
    while (!last && take_argument(&rest, &chunk, &last))
        take_chunk(&d, &rest, chunk < rest.n ? (size_t)chunk : rest.n, message, &pieces);
    data_scan_end(&d);

    expected = model_notes(message, d.notes.size, true);
    FUZZ_CHECK(model_same_notes(&d.notes, &expected));
    free(message);
    return 0;
}
