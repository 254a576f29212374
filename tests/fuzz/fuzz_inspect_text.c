/* What an inspector makes of a header and of what people read. The input's first octet says what
 * the rest is: HTML, plain text, a text in base64 or quoted-printable, or a message. */
#include "fuzz.h"

#include "base/buf.h"
#include "inspect/inspect.h"

static const char *const heads[] = {
    "",
    "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n",
    "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n",
    "Content-Type: text/html; charset=utf-16\r\nContent-Disposition: attachment\r\n\r\n",
    "From: ",
    "Subject: ",
};

static struct inspect *inspector(void)
{
    static struct inspect *i;
    static const struct pattern_line lines[] = {{SLICE_LIT("(?:some|any)thing"), true},
                                                {SLICE_LIT("[a-z]+ [0-9]"), false}};
    static const struct pattern_group groups[] = {{PATTERN_IN_BODY, lines, 2},
                                                  {PATTERN_IN_HEADER, lines, 2}};
    struct buf rules = {0};
    char why[200];

    if (i == NULL) {
        FUZZ_CHECK(inspect_new(&i, why, sizeof(why)) == 0);
        pattern_groups_write(groups, 2, &rules);
        FUZZ_CHECK(inspect_set_rules(i, buf_slice(&rules)) == 0);
        buf_free(&rules);
    }
    return i;
}

/* What it answers is what a worker reads. */
static void check_answer(const struct inspection *found, struct arena *arena)
{
    struct inspection read;
    struct buf octets = {0};

    inspection_write(found, &octets);
    FUZZ_CHECK(inspection_read(buf_slice(&octets), found->group_count, arena, &read) == 0);
    for (size_t i = 0; i < FINDINGS; i++) {
        FUZZ_CHECK(read.of[i].number == found->of[i].number);
        FUZZ_CHECK(read.of[i].count == found->of[i].count);
    }
    buf_free(&octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inspection_request r = {
        .work = INSPECT_HEADER | INSPECT_TEXT | INSPECT_PATTERNS,
        .limits = {.depth = 5,
                   .parts = 50,
                   .fields = 100,
                   .decoded = 1 << 20,
                   .members = 10,
                   .ratio = 10,
                   .time = 60 * USEC_SEC},
    };
    struct inspection found;
    struct buf message = {0};
    struct arena arena;

    if (size == 0) {
        return 0;
    }
    buf_append_slice(&message, slice_of(heads[data[0] % (sizeof(heads) / sizeof(heads[0]))]));
    buf_append(&message, data + 1, size - 1);
    struct slice octets = {fuzz_copy(message.p, message.n), message.n};
    buf_free(&message);
    arena_init(&arena);
    r.size = octets.n;
    inspect_message(inspector(), octets, &r, &arena, &found);
    check_answer(&found, &arena);
    arena_free(&arena);
    free((char *)octets.p);
    return 0;
}
