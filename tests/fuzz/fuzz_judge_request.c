/* Lines of a batch for `gatepost judge`: whatever the octets, an answer, and what is understood can
 * be said in SMTP commands or is found out not to. */
#include "fuzz.h"

#include <errno.h>

#include "judge/client.h"
#include "parse/judge_request.h"

static void check_text(struct slice text)
{
    FUZZ_CHECK(strlen(text.p) >= text.n);
    FUZZ_CHECK(memchr(text.p, '\0', text.n) == NULL);
}

/* One that may be left out. */
static void check_optional(struct slice text)
{
    FUZZ_CHECK(text.p != NULL || text.n == 0);
    if (text.p != NULL) {
        check_text(text);
    }
}

static void check_address(struct slice mailbox, bool reverse_path)
{
    check_optional(mailbox);
    if (judge_address_fits(mailbox, reverse_path)) {
        FUZZ_CHECK(mailbox.n == 0 || (memchr(mailbox.p, '\r', mailbox.n) == NULL &&
                                      memchr(mailbox.p, '\n', mailbox.n) == NULL));
    }
}

static void check_understood(const struct judge_request *q)
{
    check_text(q->file);
    FUZZ_CHECK(q->file.n > 0);
    check_optional(q->helo);
    FUZZ_CHECK(q->label.n <= JUDGE_LABEL_MOST);
    FUZZ_CHECK(q->ip.family == ADDR_NONE || q->ip.family == ADDR_V4 || q->ip.family == ADDR_V6);
    FUZZ_CHECK(q->recipient_count > 0 || q->recipients == NULL);
    check_address(q->sender, true);
    for (size_t i = 0; i < q->recipient_count; i++) {
        check_address(q->recipients[i], false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = {fuzz_copy(data, size), size};
    struct judge_request q;
    struct arena arena;
    char why[200] = "";
    arena_init(&arena);
    int error = judge_request_parse(line, &arena, &q, why, sizeof(why));

    FUZZ_CHECK(error == 0 || error == -EINVAL);
    FUZZ_CHECK((error == 0) == (why[0] == '\0'));
    FUZZ_CHECK(q.file.p != NULL && q.label.p != NULL);
    if (error == 0) {
        check_understood(&q);
    }
    arena_free(&arena);
    free((char *)line.p);
    return 0;
}
