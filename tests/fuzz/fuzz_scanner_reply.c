/* What scanners answer. Whatever the octets, each parser says yes or no, points nowhere outside,
 * and what it takes for the beginning of a reply is one: with nothing more to come it is refused,
 * and a whole reply is none before its last octet counts. */
#include "fuzz.h"

#include <errno.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "parse/clamd_reply.h"
#include "parse/http_reply.h"
#include "parse/rspamd_reply.h"
#include "parse/spamd_reply.h"

static bool is_score(int64_t n)
{
    return n >= -DECIMAL_MOST && n <= DECIMAL_MOST;
}

static void check_clamd(struct slice text)
{
    struct clamd_reply r = {.verdict = CLAMD_FAILED};
    const int e = clamd_reply_parse(text, &r);

    FUZZ_CHECK(e == 0 || e == -EPROTO);
    if (e == 0 && r.verdict == CLAMD_FOUND) {
        FUZZ_CHECK(r.text.n > 0 && r.text.n <= CLAMD_NAME_MOST && fuzz_within(r.text, text));
    }
}

static void check_spamd(struct slice text)
{
    struct spamd_reply r, whole;
    struct slice name;
    size_t count = 0;
    const int e = spamd_reply_parse(text, false, &r);

    FUZZ_CHECK(e == 0 || e == -EPROTO || e == -EAGAIN);
    FUZZ_CHECK(spamd_reply_parse(text, true, &whole) != -EAGAIN);
    if (e != 0) {
        return;
    }
    FUZZ_CHECK(spamd_reply_parse(text, true, &whole) == 0);
    FUZZ_CHECK(whole.score == r.score && whole.code == r.code && slice_eq(whole.rules, r.rules));
    FUZZ_CHECK(is_score(r.score));
    struct slice rest = r.rules;
    while (spamd_rule_next(&rest, &name)) {
        FUZZ_CHECK(name.n > 0 && name.n <= SPAMD_RULE_MOST && fuzz_within(name, r.rules));
        count++;
    }
    FUZZ_CHECK(count <= r.rules.n);
}

static void check_http(struct slice text, struct arena *arena)
{
    struct http_reply r, whole;
    const int e = http_reply_parse(text, false, arena, &r);

    FUZZ_CHECK(e == 0 || e == -EPROTO || e == -EAGAIN);
    FUZZ_CHECK(http_reply_parse(text, true, arena, &whole) != -EAGAIN);
    if (e == 0) {
        FUZZ_CHECK(http_reply_parse(text, true, arena, &whole) == 0);
        FUZZ_CHECK(r.code >= 200 && r.code <= 999 && r.code == whole.code);
        FUZZ_CHECK(r.body.n <= text.n && slice_eq(r.body, whole.body));
    }
}

static void check_rspamd(struct slice text, struct arena *arena)
{
    struct rspamd_reply r = {0};
    const int e = rspamd_reply_parse(text, arena, &r);

    FUZZ_CHECK(e == 0 || e == -EPROTO);
    if (e == 0) {
        FUZZ_CHECK(is_score(r.score));
        FUZZ_CHECK(r.action.n > 0 && r.action.n <= RSPAMD_ACTION_MOST);
        FUZZ_CHECK(r.symbol_count <= RSPAMD_SYMBOLS_MOST);
        for (size_t i = 0; i < r.symbol_count; i++) {
            FUZZ_CHECK(r.symbols[i].n > 0 && r.symbols[i].n <= RSPAMD_SYMBOL_MOST);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct arena arena;

    arena_init(&arena);
    check_clamd(text);
    check_spamd(text);
    check_http(text, &arena);
    check_rspamd(text, &arena);
    arena_free(&arena);
    free((char *)text.p);
    return 0;
}
