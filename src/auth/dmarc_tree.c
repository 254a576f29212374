/* See auth/dmarc_tree.h. */
#include "auth/dmarc_tree.h"

#include "base/fatal.h"

/* Of a name with more labels than these only so many are looked at, but for the name itself
 * (4.10, step 4). */
enum { LABELS_MOST = DMARC_WALK_MOST - 1 };

enum found { NOT_ASKED, NOTHING, RECORD, ERROR };

/* One target of a query. */
struct dmarc_node {
    struct dmarc_node *next;
    struct dns_name name;
    enum found found;
    struct dmarc_record record;
};

/* ---- the targets of a walk ---- */

/* Goes on to the next target, by steps 4 and 7; false behind the last. */
static bool next_target(struct dns_name *name)
{
    if (!dns_name_parent(name)) {
        return false;
    }
    while (dns_name_labels(name) > LABELS_MOST) {
        (void)dns_name_parent(name);
    }
    return dns_name_labels(name) > 0;
}

static struct dmarc_node *find(const struct dmarc_tree *t, const struct dns_name *name)
{
    for (struct dmarc_node *node = t->nodes; node != NULL; node = node->next) {
        if (dns_name_eq(&node->name, name)) {
            return node;
        }
    }
    return NULL;
}

void dmarc_tree_want(struct dmarc_tree *t, const struct dns_name *start)
{
    struct dns_name name = *start;

    do {
        if (find(t, &name) == NULL) {
            struct dmarc_node *node = arena_zalloc(t->arena, sizeof(*node));
            node->name = name;
            node->next = t->nodes;
            t->nodes = node;
        }
    } while (next_target(&name));
}

/* ---- asking ---- */

/* Steps 2 and 6: only records of this version of DMARC count, and of several none does. */
static void take_answer(struct dmarc_node *node, const struct dns_answer *answer)
{
    struct dmarc_record record;
    size_t count = 0;

    if (answer->state != DNS_ANSWER) {
        bool none = answer->state == DNS_NODATA || answer->state == DNS_NO_NAME;
        node->found = none ? NOTHING : ERROR;
        return;
    }
    for (size_t i = 0; i < answer->count; i++) {
        if (dmarc_record_parse(answer->records[i].text, &record)) {
            node->record = record;
            count++;
        }
    }
    node->found = count == 1 && !answer->cut ? RECORD : NOTHING;
}

int dmarc_tree_ask(struct dmarc_tree *t)
{
    size_t n = 0;

    for (struct dmarc_node *node = t->nodes; node != NULL; node = node->next) {
        n += node->found == NOT_ASKED;
    }
    if (n == 0) {
        return 0;
    }
    struct dns_question *questions = arena_zalloc(t->arena, n * sizeof(*questions));
    struct dmarc_node **asked = arena_alloc(t->arena, n * sizeof(struct dmarc_node *));
    n = 0;
    for (struct dmarc_node *node = t->nodes; node != NULL; node = node->next) {
        if (node->found != NOT_ASKED) {
            continue;
        }
        questions[n] = (struct dns_question){.name = node->name, .type = DNS_TXT};
        if (dns_name_prepend(&questions[n].name, SLICE_LIT("_dmarc")) < 0) {
            node->found = NOTHING; /* such a name cannot be */
            continue;
        }
        asked[n++] = node;
    }
    int r = resolver_ask(t->resolver, questions, n, auth_question_end(t->clock), t->arena);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        take_answer(asked[i], &questions[i].answer);
    }
    return 0;
}

/* ---- what was found ---- */

/* The name one label longer than `above`, on the way to `start`. */
static const struct dns_name *one_below(const struct dmarc_tree *t, const struct dns_name *start,
                                        const struct dns_name *above)
{
    struct dns_name *name = dns_name_copy(t->arena, start);
    unsigned labels = dns_name_labels(above) + 1;

    while (dns_name_labels(name) > labels) {
        (void)dns_name_parent(name);
    }
    return name;
}

/* The end of a walk that met psd=y above its start: the organisation is one label below, and the
 * record that applies is its own, or the Public Suffix Domain's. */
static void end_at_suffix(const struct dmarc_tree *t, const struct dns_name *start,
                          const struct dmarc_node *suffix, struct dmarc_walk *w)
{
    w->organisation = one_below(t, start, &suffix->name);

    const struct dmarc_node *own = find(t, w->organisation);
    const struct dmarc_node *applies = own != NULL && own->found == RECORD ? own : suffix;
    w->domain = &applies->name;
    w->record = &applies->record;
}

/* What was found there. */
static const struct dmarc_node *asked(const struct dmarc_tree *t, const struct dns_name *name)
{
    const struct dmarc_node *node = find(t, name);
    if (node != NULL && node->found != NOT_ASKED) {
        return node;
    }
    panic("a walk that nobody asked for");
}

/* Goes through the targets from the longest to the shortest, by 4.10.2 for the organisation and by
 * 4.10.1 for the record, as if `start` had none. */
static void walk_up(const struct dmarc_tree *t, const struct dns_name *start, struct dmarc_walk *w)
{
    struct dns_name name = *start;
    bool at_start = true;

    w->organisation = dns_name_copy(t->arena, start);
    do {
        const struct dmarc_node *node = asked(t, &name);
        if (node->found == ERROR) {
            *w = (struct dmarc_walk){.failed = true};
            return;
        }
        if (node->found == RECORD) {
            if (node->record.psd == DMARC_PSD_Y && !at_start) {
                end_at_suffix(t, start, node, w);
                return;
            }
            w->organisation = w->domain = &node->name;
            w->record = &node->record;
            if (node->record.psd != DMARC_PSD_U) {
                return;
            }
        }
        at_start = false;
    } while (next_target(&name));
}

void dmarc_tree_walk(const struct dmarc_tree *t, const struct dns_name *start,
                     struct dmarc_walk *ret)
{
    *ret = (struct dmarc_walk){.failed = false};
    walk_up(t, start, ret);

    const struct dmarc_node *own = asked(t, start);
    if (own->found == RECORD) {
        ret->domain = &own->name;
        ret->record = &own->record;
    }
}
