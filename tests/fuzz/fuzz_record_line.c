/* Lines of JSON that are to be records, and lines of a file of correspondents: what `gatepost state
 * import` reads. A record that was read is written as a line that is read as the same. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "parse/sender_form.h"
#include "store/record_form.h"
#include "store/record_line.h"

#define WALL ((usec_t)1795322000 * USEC_SEC)

static void check_record(const struct record *r)
{
    char why[RECORD_LINE_WHY], form[RECORD_NAME_MAX];
    struct record again;
    struct buf line = {0};
    struct slice name;

    FUZZ_CHECK(r->kind > 0 && r->kind < RECORD_KINDS && r->name_n > 0);
    FUZZ_CHECK(r->name_n <= RECORD_NAME_MAX && r->note_n <= RECORD_NOTE_MAX);
    FUZZ_CHECK(r->first <= r->last && r->last <= WALL + (usec_t)86400 * USEC_SEC);
    FUZZ_CHECK((r->kind == RECORD_BAN) == (r->until > 0));
    for (int i = 0; i < TALLY_COUNT; i++) {
        FUZZ_CHECK(r->tally[i] >= 0 && r->tally[i] <= 1e13F);
    }
    FUZZ_CHECK(record_name_form((enum record_kind)r->kind, record_name(r), form, &name, why) == 0);
    FUZZ_CHECK(slice_eq(name, record_name(r)));
    record_line_write(&line, r);
    FUZZ_CHECK(record_line_parse(buf_slice(&line), WALL, &again, why) == 0);
    FUZZ_CHECK(memcmp(&again, r, sizeof(again)) == 0);
    buf_free(&line);
}

static void check_correspondent(struct slice line)
{
    char name[RECORD_NAME_MAX], form[SENDER_FORM_MAX], why[RECORD_LINE_WHY] = "";
    struct slice found;
    const int r = record_correspondent_parse(line, name, &found, why);

    if (r > 0) {
        FUZZ_CHECK(found.n > 0 && found.n <= RECORD_NAME_MAX);
        FUZZ_CHECK(slice_eq(sender_form(found, form), found));
    }
    FUZZ_CHECK(r >= 0 || why[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_copy(data, size);
    char why[RECORD_LINE_WHY] = "";
    struct record r;

    memset(&r, 0xa5, sizeof(r));
    const int result = record_line_parse((struct slice){line, size}, WALL, &r, why);
    check_correspondent((struct slice){line, size});
    free(line); /* nothing may point there */
    if (result == 0) {
        check_record(&r);
        return 0;
    }
    FUZZ_CHECK(why[0] != '\0' && strlen(why) < sizeof(why));
    for (size_t i = 0; i < sizeof(r); i++) {
        FUZZ_CHECK(((const unsigned char *)&r)[i] == 0xa5);
    }
    return 0;
}
