/* Decision ids in pasted texts: whatever is found has an id's form, each is found once and the
 * better ones first, and one that stands in the text, plainly or in base64, is found, wherever it
 * stands. */
#include "fuzz.h"

#include "base/buf.h"
#include "parse/decision_mention.h"

#define MOST 50

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void check_form(const struct decision_mention *m)
{
    FUZZ_CHECK(strlen(m->connection) == DECISION_ID_LEN);
    FUZZ_CHECK(strspn(m->connection, alphabet) == DECISION_ID_LEN);
    FUZZ_CHECK(m->has_transaction || (m->transaction == 0 && m->recipient == 0));
}

static int rank(const struct decision_mention *m)
{
    return m->in_brackets && m->has_transaction ? 0 : m->has_transaction ? 1 : 2;
}

/* [3M0Z2QW8R10001.1.2] in the middle of the text. */
static void check_planted(struct slice text, struct slice planted)
{
    struct decision_mention found[MOST];
    struct buf with = {0};
    bool seen = false;

    buf_append(&with, text.p, text.n / 2);
    buf_append_slice(&with, planted);
    buf_append(&with, text.p + text.n / 2, text.n - text.n / 2);
    size_t n = decision_mentions(buf_slice(&with), found, MOST);
    for (size_t i = 0; i < n; i++) {
        seen = seen || (strcmp(found[i].connection, "3M0Z2QW8R10001") == 0 &&
                        found[i].transaction == 1 && found[i].recipient == 2);
    }
    FUZZ_CHECK(seen || n == MOST);
    buf_free(&with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct decision_mention found[MOST];
    size_t n = decision_mentions(text, found, MOST);

    FUZZ_CHECK(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        check_form(&found[i]);
        FUZZ_CHECK(i == 0 || rank(&found[i - 1]) <= rank(&found[i]));
        for (size_t k = 0; k < i; k++) {
            FUZZ_CHECK(strcmp(found[i].connection, found[k].connection) != 0 ||
                       found[i].has_transaction != found[k].has_transaction ||
                       found[i].transaction != found[k].transaction ||
                       found[i].recipient != found[k].recipient);
        }
    }
    check_planted(text, SLICE_LIT("\n[3M0Z2QW8R10001.1.2]\n"));
    check_planted(text, SLICE_LIT("\n\nWzNNMFoyUVc4UjEwMDAx\nLjEuMl0=\n\n"));
    return 0;
}
