/* Stories of any record: whatever a line says, what is printed is harmless for a terminal, its
 * lines end, and nothing in it is very long; as data it is JSON. A rule's text is compiled, also
 * one that the journal's file has been given by somebody else. */
#include "fuzz.h"

#include <errno.h>

#include "base/text.h"
#include "journal/story.h"

/* The rule's text is what stands behind the line. */
static int find_rule(void *arg, struct slice policy, struct slice place, struct arena *arena,
                     struct journal_rule *ret)
{
    const struct slice *text = arg;

    (void)policy;
    (void)arena;
    *ret = (struct journal_rule){.phase = SLICE_LIT("rcpt"), .place = place, .text = *text};
    return text->n > 0 ? 0 : -ENOENT;
}

static void check_text(struct slice text)
{
    size_t line = 0;

    FUZZ_CHECK(text.n > 0 && text.p[text.n - 1] == '\n');
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        FUZZ_CHECK(c == '\n' || (c >= ' ' && c != 0x7f));
        line = c == '\n' ? 0 : line + 1;
        FUZZ_CHECK(line < 6000);
    }
    /* U+202A to U+202E and U+2066 to U+2069 turn text around. */
    FUZZ_CHECK(memmem(text.p, text.n, "\xe2\x80\xae", 3) == NULL);
    FUZZ_CHECK(memmem(text.p, text.n, "\xe2\x81\xa6", 3) == NULL);
    for (const char *p = text.p; p < text.p + text.n; p++) {
        const size_t left = (size_t)(text.p + text.n - p);
        FUZZ_CHECK(*p == '\n' || text_clean_length(p, left < 4 ? left : 4) > 0 ||
                   ((unsigned char)*p & 0xc0) == 0x80);
    }
}

static void tell(const struct journal_record *r, unsigned recipient, const struct slice *rule)
{
    const struct story s = {.record = r,
                            .recipient = recipient,
                            .find_rule = find_rule,
                            .arg = (void *)(uintptr_t)rule,
                            .connection = r,
                            .connection_count = 1};
    json_t *story = story_tell(&s);
    struct buf text = {0};

    FUZZ_CHECK(json_is_object(story) && json_is_string(json_object_get(story, "ending")));
    story_print(story, &text);
    check_text(buf_slice(&text));
    char *dumped = json_dumps(story, JSON_ENSURE_ASCII);
    FUZZ_CHECK(dumped != NULL);
    free(dumped);
    buf_free(&text);
    json_decref(story);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t n = end != NULL ? (size_t)(end - (const char *)data) : size;
    const struct slice line = {(const char *)data, n};
    const struct slice rule = {(const char *)data + n, size - n};
    struct journal_record r;
    struct arena arena;
    const char *why;

    arena_init(&arena);
    if (journal_record_parse(line, &arena, &r, &why) == 0) {
        for (unsigned recipient = 0; recipient <= r.recipient_count && recipient < 3; recipient++) {
            tell(&r, recipient, &rule);
        }
    }
    arena_free(&arena);
    return 0;
}
