/* Files of messages: what a client is given to send must be what DATA's decoder gives back, the
 * octets of a chunk as many as were declared, and the same in pieces of any size. */
#include "fuzz.h"

#include "base/buf.h"
#include "judge/mail_text.h"
#include "parse/smtp_data.h"

static void write_wire(const struct mail_text *m, bool dots, size_t room, struct buf *to)
{
    struct mail_cursor at = {0};
    size_t n;
    do {
        n = mail_text_wire(m, &at, dots, buf_reserve(to, room), room);
        FUZZ_CHECK(n <= room);
        to->n += n;
    } while (n > 0);
}

/* Of a message without bare CR and LF: DATA ends at the final dot and not before, and gives back
 * what BDAT would have carried. */
static void check_data(const struct mail_text *m, const struct buf *plain, size_t room)
{
    struct buf dotted = {0};
    struct data_decoder d;
    size_t out = 0;
    bool end = false;
    write_wire(m, true, room, &dotted);
    buf_append(&dotted, ".\r\n", 3);
    data_decoder_init(&d);
    size_t taken = data_decode(&d, dotted.p, dotted.n, &out, &end);
    FUZZ_CHECK(end && taken == dotted.n);
    FUZZ_CHECK(out == plain->n && (out == 0 || memcmp(dotted.p, plain->p, out) == 0));
    FUZZ_CHECK(!d.notes.bare_cr_or_lf);
    buf_free(&dotted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = size > 0 ? 4 + data[0] % 60 : 4;
    size_t skip = size > 0;
    struct slice file = {fuzz_copy(data + skip, size - skip), size - skip};
    struct mail_text m;
    struct buf plain = {0};
    mail_text_look(file, file.n, &m);
    write_wire(&m, false, room, &plain);
    FUZZ_CHECK(!m.cut && plain.n == m.wire_size);
    FUZZ_CHECK(m.octets.n == 0 || fuzz_within(m.octets, file));
    FUZZ_CHECK(plain.n >= m.octets.n);
    if (!m.bare) {
        check_data(&m, &plain, room);
    }
    buf_free(&plain);
    free((char *)file.p);
    return 0;
}
