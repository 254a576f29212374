/* See inspect/urls.h. */
#include "inspect/urls.h"

#include "inspect/traits.h"
#include "parse/url.h"

/* Where the hash is, or would be. */
static uint64_t *place_of(uint64_t *seen, size_t room, uint64_t hash)
{
    size_t at = (size_t)hash;

    while (seen[at % room] != 0 && seen[at % room] != hash) {
        at++;
    }
    return &seen[at % room];
}

static void grow(struct inspect_run *run, struct urls *u)
{
    const size_t room = u->room == 0 ? 64 : u->room * 4;
    uint64_t *seen = arena_zalloc(&run->scratch, room * sizeof(*seen));

    for (size_t i = 0; i < u->room; i++) {
        if (u->seen[i] != 0) {
            *place_of(seen, room, u->seen[i]) = u->seen[i];
        }
    }
    u->seen = seen;
    u->room = room;
}

/* Was it not there before? */
static bool is_new(struct inspect_run *run, struct urls *u, struct slice text)
{
    const uint64_t hash = siphash24(run->inspect->secret, (const uint8_t *)text.p, text.n) | 1;

    if (u->count * 2 >= u->room) {
        grow(run, u);
    }
    uint64_t *place = place_of(u->seen, u->room, hash);
    if (*place != 0) {
        return false;
    }
    *place = hash;
    u->count++;
    return true;
}

/* The organisation where it leads to, which is counted where the URL was not seen before. */
struct slice urls_add(struct inspect_run *run, struct urls *u, struct slice text, bool bare)
{
    struct slice organisation = SLICE_LIT("");
    struct arena arena;
    struct url url;

    if (u->count >= URLS_MOST) {
        inspect_open(run, FINDING_OF_URL_COUNT);
        inspect_open(run, FINDING_OF_URL_DOMAINS);
        inspect_open(run, FINDING_OF_URL_TRAITS);
        inspect_open(run, FINDING_OF_URL_MISMATCH);
        return organisation;
    }
    arena_init(&arena);
    if (url_parse(text, bare, &arena, &url) == 0) {
        if (url.host.n == 0) {
            u->traits |= url.traits;
        } else {
            organisation = arena_copy(&run->scratch, url.organisation);
            if (is_new(run, u, text)) {
                u->traits |= url.traits;
                inspect_add(run, FINDING_OF_URL_DOMAINS, url.organisation);
            }
        }
    }
    arena_free(&arena);
    return organisation;
}

void urls_add_from_text(struct inspect_run *run, struct urls *u, struct slice text)
{
    struct slice url;

    while (url_find(&text, &url)) {
        (void)urls_add(run, u, url, true);
    }
}

void urls_finish(struct inspect_run *run, const struct urls *u)
{
    inspect_set_number(run, FINDING_OF_URL_COUNT, (int64_t)u->count);
    for (unsigned i = 0; i < URL_TRAITS; i++) {
        if ((u->traits >> i & 1) != 0) {
            inspect_trait(run, (enum trait)(URL_HAS_ADDRESS + i));
        }
    }
}
