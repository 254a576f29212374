/* URLs: a host is of the octets that hosts have and is found again when it is read alone; what is
 * found in a text lies within it. */
#include "fuzz.h"

#include "parse/url.h"

static void check_host(const struct url *u, struct arena *arena)
{
    struct url again;

    for (size_t i = 0; i < u->host.n; i++) {
        const char c = u->host.p[i];
        FUZZ_CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._:", c) != NULL);
    }
    FUZZ_CHECK(u->organisation.n <= u->host.n);
    FUZZ_CHECK(u->traits >> URL_TRAITS == 0);
    if (u->host.n == 0 || memchr(u->host.p, ':', u->host.n) != NULL) {
        return;
    }
    const struct slice plain = arena_printf(arena, "http://" SLICE_FMT "/", SLICE_ARG(u->host));
    FUZZ_CHECK(url_parse(plain, false, arena, &again) == 0);
    FUZZ_CHECK(slice_eq(again.host, u->host) && slice_eq(again.organisation, u->organisation));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {fuzz_copy(data, size), size};
    struct slice rest = text;
    struct slice url;
    struct arena arena;
    struct url u;

    arena_init(&arena);
    for (int bare = 0; bare < 2; bare++) {
        if (url_parse(text, bare, &arena, &u) == 0) {
            check_host(&u, &arena);
        }
    }
    while (url_find(&rest, &url)) {
        FUZZ_CHECK(url.n > 4 && fuzz_within(url, text) && url.p + url.n <= rest.p);
    }
    if (url_shown(text, &url)) {
        FUZZ_CHECK(url.n > 0 && fuzz_within(url, text));
    }
    arena_free(&arena);
    free((char *)text.p);
    return 0;
}
