/* See parse/rspamd_reply.h. */
#include "parse/rspamd_reply.h"

#include <errno.h>
#include <jansson.h>

#include "base/decimal.h"
#include "parse/json_depth.h"

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static void take_symbols(json_t *symbols, struct arena *arena, struct rspamd_reply *ret)
{
    const size_t all = json_object_size(symbols);
    const size_t most = all < RSPAMD_SYMBOLS_MOST ? all : RSPAMD_SYMBOLS_MOST;
    struct slice *names = arena_alloc(arena, most * sizeof(*names) + 1);
    const char *name;
    json_t *symbol;

    json_object_foreach(symbols, name, symbol)
    {
        const struct slice text = slice_of(name);
        if (ret->symbol_count < most && text.n > 0 && text.n <= RSPAMD_SYMBOL_MOST &&
            is_printable(text)) {
            names[ret->symbol_count++] = arena_copy(arena, text);
        }
    }
    ret->symbols = names;
}

static int take_all(json_t *object, struct arena *arena, struct rspamd_reply *ret)
{
    const json_t *score = json_object_get(object, "score");
    const json_t *action = json_object_get(object, "action");
    json_t *symbols = json_object_get(object, "symbols");
    const struct slice text = {json_string_value(action), json_string_length(action)};

    if (json_is_true(json_object_get(object, "is_skipped")) && score == NULL && action == NULL) {
        *ret = (struct rspamd_reply){.action = SLICE_LIT("no action")};
        return 0;
    }
    if (!json_is_number(score) || !json_is_string(action) || text.n == 0 ||
        text.n > RSPAMD_ACTION_MOST || !is_printable(text) ||
        (symbols != NULL && !json_is_object(symbols))) {
        return -EPROTO;
    }
    *ret = (struct rspamd_reply){.score = decimal_of_real(json_number_value(score)),
                                 .action = arena_copy(arena, text)};
    take_symbols(symbols, arena, ret);
    return 0;
}

int rspamd_reply_parse(struct slice json, struct arena *arena, struct rspamd_reply *ret)
{
    if (json.n == 0 || json.n > RSPAMD_REPLY_MOST || json_is_deeper(json, RSPAMD_DEPTH_MOST)) {
        return -EPROTO;
    }
    json_t *object = json_loadb(json.p, json.n, 0, NULL);
    int r = json_is_object(object) ? take_all(object, arena, ret) : -EPROTO;
    json_decref(object);
    return r;
}
