/* Texts of header fields, and what else is read out of a header field's body: whatever is appended
 * is free of control characters and blanks at its ends, the work of charsets is within the body,
 * names are within it, and dates that are read can be written and read again. */
#include "fuzz.h"

#include "parse/display_name.h"
#include "parse/encoded_word.h"
#include "parse/message_id.h"

static void pass_on(void *arg, struct slice charset, struct slice octets, struct buf *to)
{
    size_t *taken = arg;

    FUZZ_CHECK(charset.n > 0 && charset.n <= 80);
    *taken += octets.n;
    buf_append_slice(to, octets);
}

static void check_text(struct slice body)
{
    size_t taken = 0;
    const struct charset_reader reader = {pass_on, &taken};
    struct encoded_words found;
    struct buf to = {0};

    encoded_text_decode(body, &reader, &to, &found);
    FUZZ_CHECK(taken <= body.n && to.n <= body.n);
    for (size_t i = 0; i < to.n; i++) {
        FUZZ_CHECK((unsigned char)to.p[i] >= ' ' && to.p[i] != 0x7f);
    }
    FUZZ_CHECK(to.n == 0 || (to.p[0] != ' ' && to.p[to.n - 1] != ' '));
    FUZZ_CHECK(!found.needless || found.count > 0);
    buf_free(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice body = {fuzz_copy(data, size), size};
    struct arena arena;

    arena_init(&arena);
    check_text(body);
    FUZZ_CHECK(display_name_of(body, &arena).n <= body.n);
    FUZZ_CHECK(message_id_form_of(body) <= MESSAGE_ID_SEVERAL);
    arena_free(&arena);
    free((char *)body.p);
    return 0;
}
