/* The no-loss proof, over every await of every way a message can take.
 *
 * usage: test_no_loss [spare | --one WAY FAULT AT]   (--one: a single case, verbosely)
 * With GATEPOST_TEST_ALL=1 every fault is put at every await, in three worlds that differ in their
 * seed; otherwise at a share of them that changes from fault to fault, with `spare` a third of it.
 */
#include <stdlib.h>
#include <string.h>

#include "proof.h"

#define WAYS          28
#define SEEDS         3
#define SHARE         13 /* awaits, of which one has the fault */
#define SHARE_SPARING (3 * SHARE)

struct totals {
    unsigned long points; /* awaits, over all ways */
    unsigned long runs;
    unsigned long violations;
    unsigned long exceptions;
    unsigned long put_off;
    unsigned long by_fault[FAULT_COUNT]; /* exceptions */
};

/* The first sixteen: one route, in every manner. Then LMTP and several routes at once. */
static struct proof_case way_case(unsigned way)
{
    if (way < 16) {
        return (struct proof_case){.way = way & 1 ? PROOF_MAILDIR : PROOF_SMTP,
                                   .tls = way & 2,
                                   .bdat = way & 4,
                                   .pipelined = way & 8,
                                   .seed = way + 1};
    }
    enum proof_way last = way & 1 ? PROOF_ROUTES : PROOF_LMTP;
    return (struct proof_case){.way = way < 24 ? last : PROOF_FAILOVER,
                               .bdat = way & 2,
                               .pipelined = way & 4,
                               .seed = way + 1};
}

static void note(struct totals *t, const struct proof_case *c, const struct proof_result *r)
{
    t->runs++;
    t->exceptions += r->exception;
    t->by_fault[c->fault] += r->exception;
    t->put_off += r->put_off_delivered;
    if (r->violated) {
        t->violations++;
        if (t->violations <= 20) {
            printf("not ok ");
            proof_case_print(c, stdout);
            printf(": %s\n", r->why);
        }
    }
}

static void one_way(unsigned way, unsigned world, unsigned stride, struct totals *t)
{
    struct proof_case c = way_case(way);
    struct proof_result r;
    c.seed += 1000 * world;
    proof_run(&c, &r);
    note(t, &c, &r);
    uint64_t awaits = r.awaits;
    t->points += world == 0 ? awaits : 0;
    for (unsigned fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        c.fault = (enum proof_fault)fault;
        for (c.at = 1 + (fault + way) % stride; c.at <= awaits; c.at += stride) {
            proof_run(&c, &r);
            note(t, &c, &r);
        }
    }
}

static int one_case(char **argv)
{
    struct proof_case c = way_case((unsigned)strtoul(argv[0], NULL, 10));
    struct proof_result r;
    c.fault = (enum proof_fault)strtoul(argv[1], NULL, 10);
    c.at = strtoull(argv[2], NULL, 10);
    proof_run(&c, &r);
    proof_case_print(&c, stdout);
    printf(": %s%s\n", r.violated ? r.why : "holds", r.exception ? " (counted exception)" : "");
    return r.violated;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--one") == 0) {
        return one_case(argv + 2);
    }
    struct totals t = {0};
    bool all = getenv("GATEPOST_TEST_ALL") != NULL;
    bool sparing = argc > 1 && strcmp(argv[1], "spare") == 0;
    unsigned stride = all ? 1 : sparing ? SHARE_SPARING : SHARE;
    unsigned worlds = all ? SEEDS : 1;
    for (unsigned i = 0; i < WAYS * worlds; i++) {
        one_way(i % WAYS, i / WAYS, stride, &t);
    }
    printf("# %lu fault points over %d ways, %d faults, %u worlds: %lu runs\n", t.points, WAYS,
           FAULT_COUNT - 1, worlds, t.runs);
    printf("# %lu counted exceptions, %lu of them a 4xx for a delivered message\n", t.exceptions,
           t.put_off);
    for (unsigned f = 0; f < FAULT_COUNT; f++) {
        if (t.by_fault[f] > 0) {
            printf("#   %lu: %s\n", t.by_fault[f], proof_fault_text((enum proof_fault)f));
        }
    }
    printf("%lu passed, %lu failed\n", t.runs - t.violations, t.violations);
    return t.violations > 0 || t.runs == 0;
}
