#include "message/forged.h"

#include <errno.h>

#include "parse/auth_results.h"
#include "parse/field_search.h"

struct cutting {
    struct message *message;
    const struct forged_names *ours;
    struct arena *arena;
    struct arena scratch;
    struct message_cut *cuts; /* room for FORGED_PLACES_MOST, once there is one */
};

/* Cuts behind the last cut, or makes that one longer: 0 or -E2BIG. */
static int cut(struct cutting *c, uint64_t at, uint64_t n)
{
    struct message *m = c->message;
    struct message_cut *last = m->cut_count > 0 ? &c->cuts[m->cut_count - 1] : NULL;
    if (last != NULL && last->at + last->n == at) {
        last->n += n;
        return 0;
    }
    if (m->cut_count == FORGED_PLACES_MOST) {
        return -E2BIG;
    }
    if (c->cuts == NULL) {
        c->cuts = arena_alloc(c->arena, FORGED_PLACES_MOST * sizeof(*c->cuts));
        m->cuts = c->cuts;
    }
    c->cuts[m->cut_count++] = (struct message_cut){.at = at, .n = n};
    return 0;
}

static int judge(struct cutting *c, const struct found_field *found)
{
    if (found->nobodys) {
        return cut(c, found->at, found->n);
    }
    /* The marks stand in front of Authentication-Results. */
    bool forged = found->cut || found->which < c->ours->mark_count ||
                  auth_results_claim(found->body, c->ours->authserv_id, &c->scratch);
    arena_reset(&c->scratch);
    if (!forged) {
        return 0;
    }
    c->message->removed++;
    return cut(c, found->at, found->n);
}

/* All of the header, in the pieces of the spool. */
static int search(struct cutting *c, struct field_search *f, struct spool_cursor *cursor)
{
    struct found_field found;
    struct slice piece = {NULL, 0};
    int rc = 0;
    do {
        rc = spool_next(&c->message->spool, cursor, &piece);
        if (rc == 0 && piece.n == 0) {
            return field_search_end(f, &found) ? judge(c, &found) : 0;
        }
        while (rc == 0 && field_search_next(f, &piece, &found)) {
            rc = judge(c, &found);
        }
    } while (rc == 0 && !f->done);
    return rc;
}

int message_cut_forged(struct message *m, const struct forged_names *ours, struct arena *arena)
{
    struct slice names[FIELD_NAMES_MOST];
    size_t count = 0;
    if (m->results_count == 0 && !m->begins_blank) {
        return 0;
    }
    for (size_t i = 0; i < ours->mark_count; i++) {
        names[count++] = ours->marks[i];
    }
    if (ours->authserv_id.n > 0) {
        names[count++] = SLICE_LIT("authentication-results");
    }
    struct cutting c = {.message = m, .ours = ours, .arena = arena};
    struct field_search f;
    struct spool_cursor cursor = {0};
    arena_init(&c.scratch);
    field_search_init(&f, names, count, FORGED_FIELD_MOST);
    int rc = search(&c, &f, &cursor);
    spool_cursor_end(&m->spool, &cursor);
    field_search_free(&f);
    arena_free(&c.scratch);
    return rc;
}
