/* See fact/inspected.h. */
#include "fact/inspected.h"

#include <errno.h>

#include "client/inspector.h"
#include "rt/rt.h"
#include "store/killers.h"

void inspected_set_patterns(const struct inspected_by *by, struct slice octets, size_t group_count)
{
    if (by->inspector != NULL) {
        (void)inspector_set_rules(by->inspector, octets, group_count);
    }
}

struct inspection_limits inspected_limits(const struct conf_limits *l)
{
    return (struct inspection_limits){
        .depth = (uint64_t)l->inspect_depth,
        .parts = (uint64_t)l->inspect_parts,
        .fields = (uint64_t)l->inspect_fields,
        .decoded = (uint64_t)l->inspect_decoded,
        .members = (uint64_t)l->inspect_members,
        .ratio = (uint64_t)l->inspect_ratio,
        .time = l->inspect_time,
    };
}

static struct inspection_request request_for(const struct inspected_by *by, const struct message *m)
{
    return (struct inspection_request){
        .size = m->spool.size,
        .wall = rt_wall(),
        .work = by->work,
        .limits = inspected_limits(&by->conf->limits),
    };
}

static void count(struct counters *counts, int error, bool deadly)
{
    counts->inspected += error == 0;
    counts->inspector_deaths += deadly;
    counts->not_inspected += error != 0 && error != -ECANCELED && !deadly;
}

static int ask(struct inspected *i, const struct inspected_by *by, struct message *m,
               struct arena *arena)
{
    const struct inspection_request r = request_for(by, m);
    int fd;

    bool deadly = false;
    bool known = by->killers != NULL && killers_has(by->killers, &m->digest, rt_now());
    int error = known ? -EIO : spool_whole(&m->spool, &fd);

    if (error == 0) {
        error =
            inspector_ask(by->inspector, fd, &r, rt_now() + INSPECTED_TIME, arena, &i->inspection);
        deadly = error == -EIO;
    }
    if (deadly && by->killers != NULL) {
        killers_add(by->killers, &m->digest, rt_now());
    }
    count(by->counts, error, deadly);
    return error == 0 || error == -ETIMEDOUT || error == -ECANCELED ? error : -EIO;
}

int inspected_ask(struct inspected *i, const struct inspected_by *by, struct message *m,
                  struct arena *arena, const struct inspection **ret)
{
    if (by->inspector == NULL) {
        return -ENODATA;
    }
    int r = once_begin(&i->once);
    if (r == 0) {
        i->error = ask(i, by, m, arena);
        once_end(&i->once, i->error != -ECANCELED);
    } else if (r < 0) {
        return r;
    }
    if (i->error == 0) {
        *ret = &i->inspection;
    }
    return i->error;
}
