/* The patterns of a policy (inspect/inspect_impl.h). */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "inspect/inspect_impl.h"

struct inspect_rules {
    struct arena arena;
    const struct pattern_group *groups;
    size_t count;
};

int inspect_rules_new(struct inspect_rules **ret)
{
    *ret = xcalloc(1, sizeof(**ret));
    return 0;
}

struct inspect_rules *inspect_rules_free(struct inspect_rules *r)
{
    if (r) {
        arena_free(&r->arena);
    }
    free(r);
    return NULL;
}

int inspect_rules_set(struct inspect_rules *r, struct slice octets)
{
    arena_reset(&r->arena);
    r->count = 0;
    return pattern_groups_read(arena_copy(&r->arena, octets), &r->arena, &r->groups, &r->count);
}

void inspect_rules_begin(struct inspect_run *run)
{
    size_t count = run->inspect->rules->count;
    int32_t *groups = arena_zalloc(run->arena, (count + 1) * sizeof(*groups));

    run->ret->groups = groups;
    run->ret->group_count = count;
}

void inspect_rules_match(struct inspect_run *run, enum pattern_place place, struct slice text)
{
    (void)run;
    (void)place;
    (void)text;
}

void inspect_rules_end(struct inspect_run *run)
{
    (void)run;
}
