/* See route/accept_all.h. A probe is a task with a scope of its own, and a cell that belongs to it
 * and to whoever waits for it, by reference count. */
#include "route/accept_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/list.h"
#include "base/text.h"
#include "parse/ascii.h"
#include "route/hop_choice.h"

/* A probe may take this long; its connection is made anew at worst. */
#define PROBE_TIME (30 * USEC_SEC)
/* Begun in a minute by each worker. */
#define PROBES_A_MINUTE 4
/* When nothing was found out. */
#define AGAIN_AFTER (5 * 60 * USEC_SEC)
/* How often the operator is warned of the same. */
#define WARN_EVERY (24 * 3600 * USEC_SEC)
/* What is remembered for `gatepost status`. */
#define FINDINGS_MAX 100

#define VERSION      1
enum state { STATE_NO = 0, STATE_YES = 1, STATE_CANNOT_SAY = 2 };

struct accept_finding {
    struct list link;
    usec_t seen; /* since 1970, as is `told` */
    usec_t told; /* to the operator, by this worker; 0 */
    struct digest key;
    const struct conf_hop *hop;
    char domain[256];
};

struct probe {
    struct list link; /* in `probes` while its task lives */
    struct accept_all *owner;
    unsigned refs;
    struct conf_route route; /* to this hop alone */
    struct conf_route_hop hop;
    struct digest key;
    struct slice domain;
    struct envelope envelope;
    struct arena arena;  /* of all texts */
    struct scope *scope; /* the task's, while it can be cancelled */
    struct cond ended;
    bool done;
    enum state state;
};

struct accept_all {
    struct rt *rt;
    const struct conf *conf;
    struct hop_pools *pools;
    struct store *store;
    recipients_tell *tell;
    void *arg;
    struct list probes;
    struct list findings; /* newest first */
    size_t finding_count;
    usec_t begun[PROBES_A_MINUTE]; /* the last ones, in turn */
    size_t next;
    bool draining;
};

struct accept_all *accept_all_new(struct rt *rt, const struct conf *conf, struct hop_pools *pools,
                                  struct store *store, recipients_tell *tell, void *arg)
{
    struct accept_all *a = xcalloc(1, sizeof(*a));
    *a = (struct accept_all){
        .rt = rt, .conf = conf, .pools = pools, .store = store, .tell = tell, .arg = arg};
    list_init(&a->probes);
    list_init(&a->findings);
    for (size_t i = 0; i < PROBES_A_MINUTE; i++) {
        a->begun[i] = rt_now_of(rt) - 60 * USEC_SEC;
    }
    return a;
}

void accept_all_drain(struct accept_all *a)
{
    a->draining = true;
    list_for_each (it, &a->probes) {
        struct probe *p = list_entry(it, struct probe, link);
        if (p->scope != NULL) {
            scope_cancel(p->scope, -ESHUTDOWN);
        }
    }
}

struct accept_all *accept_all_free(struct accept_all *a)
{
    struct list *it;
    if (a == NULL) {
        return NULL;
    }
    if (!list_empty(&a->probes)) {
        panic("a probe for recipients outlived its worker");
    }
    while ((it = list_pop_front(&a->findings)) != NULL) {
        free(list_entry(it, struct accept_finding, link));
    }
    free(a);
    return NULL;
}

/* ---- what is known ---- */

static void lower(char *ret, size_t size, struct slice text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    ascii_lower_copy(ret, text.p, n);
    ret[n] = '\0';
}

static struct digest key_of(const struct conf_hop *hop, struct slice domain)
{
    char name[256];
    lower(name, sizeof(name), domain);
    const struct slice fields[] = {slice_of(hop->name), slice_of(name)};
    return note_key(fields, 2);
}

static void drop_finding(struct accept_all *a, struct accept_finding *f)
{
    list_remove(&f->link);
    a->finding_count--;
    free(f);
}

static struct accept_finding *find_finding(struct accept_all *a, const struct digest *key)
{
    list_for_each (it, &a->findings) {
        struct accept_finding *f = list_entry(it, struct accept_finding, link);
        if (memcmp(&f->key, key, sizeof(*key)) == 0) {
            return f;
        }
    }
    return NULL;
}

static void forget_finding(struct accept_all *a, const struct digest *key)
{
    struct accept_finding *f = find_finding(a, key);
    if (f != NULL) {
        drop_finding(a, f);
    }
}

static struct accept_finding *note_finding(struct accept_all *a, const struct conf_hop *hop,
                                           struct slice domain, const struct digest *key)
{
    struct accept_finding *f = find_finding(a, key);
    if (f == NULL) {
        f = xcalloc(1, sizeof(*f));
        f->key = *key;
        f->hop = hop;
        lower(f->domain, sizeof(f->domain), domain);
        list_init(&f->link);
        list_push_front(&a->findings, &f->link);
        a->finding_count++;
        f->seen = rt_wall_of(a->rt);
    }
    if (a->finding_count > FINDINGS_MAX) {
        drop_finding(a, list_entry(a->findings.prev, struct accept_finding, link));
    }
    return f;
}

/* From the store: true and *ret when something is known. */
static bool known(struct accept_all *a, const struct conf_hop *hop, struct slice domain,
                  const struct digest *key, enum state *ret)
{
    uint8_t note[2];
    size_t n;
    if (note_find(a->store, NOTE_ACCEPT_ALL, key, rt_wall_of(a->rt), note, sizeof(note), &n) != 1 ||
        n != sizeof(note) || note[0] != VERSION || note[1] > STATE_CANNOT_SAY) {
        return false;
    }
    *ret = (enum state)note[1];
    if (*ret == STATE_YES) {
        (void)note_finding(a, hop, domain, key);
    } else if (*ret == STATE_NO) {
        forget_finding(a, key);
    }
    return true;
}

/* Once a day, and once for each start. */
static void warn(const struct accept_all *a, const struct probe *p, struct accept_finding *f)
{
    char line[700];
    usec_t wall = rt_wall_of(a->rt);
    if (f->told != 0 && wall - f->told < WARN_EVERY) {
        return;
    }
    f->told = wall;
    (void)snprintf(line, sizeof(line),
                   "%s accepts any address of " SLICE_FMT
                   ": what it cannot deliver it will bounce to forged senders (see ACCEPT-ALL HOPS "
                   "in gatepost.conf(5))",
                   p->hop.hop->name, SLICE_ARG(p->domain));
    text_clean(line, strlen(line));
    a->tell(a->arg, true, line);
}

static void learn(const struct probe *p)
{
    struct accept_all *a = p->owner;
    const uint8_t note[2] = {VERSION, (uint8_t)p->state};
    usec_t wall = rt_wall_of(a->rt);
    usec_t keep = p->state == STATE_CANNOT_SAY ? AGAIN_AFTER : a->conf->limits.accept_all_time;
    note_keep(a->store, NOTE_ACCEPT_ALL, &p->key, note, sizeof(note), wall, wall + keep);
    if (p->state == STATE_YES) {
        warn(a, p, note_finding(a, p->hop.hop, p->domain, &p->key));
    } else if (p->state == STATE_NO) {
        forget_finding(a, &p->key);
    }
}

/* ---- a probe ---- */

static void probe_unref(struct probe *p)
{
    if (--p->refs == 0) {
        arena_free(&p->arena);
        free(p);
    }
}

/* An address that nobody has: one word, so that no part of it can be somebody's. */
static struct slice random_local_part(struct arena *arena)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[20];
    char word[sizeof(random) + 1];
    rt_random(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        word[i] = letters[random[i] % 32];
    }
    word[sizeof(random)] = '\0';
    return arena_printf(arena, "gatepostprobe%s", word);
}

/* Any refusal of the address for good shows that the hop tells addresses apart. */
static enum state judge(const struct answer *a)
{
    if (!a->from_hop || a->of_mail) {
        return STATE_CANNOT_SAY;
    }
    return answer_is_yes(a) ? STATE_YES : answer_is_no(a) ? STATE_NO : STATE_CANNOT_SAY;
}

static void probe_task(void *arg)
{
    struct probe *p = arg;
    struct scope scope;
    struct hop_recipient r = {.domain = p->domain};
    scope_enter(&scope);
    p->scope = &scope;
    r.local_part = random_local_part(&p->arena);
    r.mailbox = arena_printf(&p->arena, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(r.local_part),
                             SLICE_ARG(r.domain));
    struct hop *hop = hop_begin(p->owner->pools, &p->route, &p->envelope, &p->arena);
    int error = p->owner->draining ? -ECANCELED : hop_rcpt(hop, &r, rt_now() + PROBE_TIME);
    (void)hop_end(hop);
    p->state = error < 0 ? STATE_CANNOT_SAY : judge(&r.answer);
    if (error != -ECANCELED) {
        learn(p);
    }
    p->scope = NULL;
    scope_leave(&scope);
    p->done = true;
    list_remove(&p->link);
    cond_wake_all(&p->ended);
    probe_unref(p);
}

static struct probe *find_probe(struct accept_all *a, const struct digest *key)
{
    list_for_each (it, &a->probes) {
        struct probe *p = list_entry(it, struct probe, link);
        if (memcmp(&p->key, key, sizeof(*key)) == 0) {
            return p;
        }
    }
    return NULL;
}

/* May one more be begun in this minute? */
static bool may_begin(struct accept_all *a)
{
    usec_t now = rt_now_of(a->rt);
    if (a->draining || a->conf->limits.accept_all_time == 0 ||
        now - a->begun[a->next] < 60 * USEC_SEC) {
        return false;
    }
    a->begun[a->next] = now;
    a->next = (a->next + 1) % PROBES_A_MINUTE;
    return true;
}

/* Begins one, of which the task has the only reference; NULL when that cannot be. */
static struct probe *begin_probe(struct accept_all *a, const struct conf_route *server,
                                 const struct conf_hop *hop, struct slice domain,
                                 const struct digest *key, const struct envelope *envelope,
                                 bool unhurried)
{
    if (!may_begin(a)) {
        return NULL;
    }
    struct probe *p = xcalloc(1, sizeof(*p));
    p->owner = a;
    p->refs = 1;
    p->hop = (struct conf_route_hop){.hop = hop, .weight = 1};
    p->route = (struct conf_route){.kind = server->kind,
                                   .hops = &p->hop,
                                   .hop_count = 1,
                                   .name = server->name,
                                   .index = server->index};
    p->key = *key;
    arena_init(&p->arena);
    p->domain = arena_copy(&p->arena, domain);
    p->envelope = (struct envelope){.sender = arena_copy(&p->arena, envelope->sender),
                                    .smtputf8 = envelope->smtputf8,
                                    .probe = true,
                                    .unhurried = unhurried};
    cond_init(&p->ended);
    list_init(&p->link);
    if (task_spawn(a->rt, rt_root_of(a->rt), probe_task, p) < 0) {
        probe_unref(p);
        return NULL;
    }
    list_push_back(&a->probes, &p->link);
    return p;
}

/* ---- asking ---- */

static const struct conf_hop *find_hop(const struct conf_route *server, struct slice name)
{
    for (size_t i = 0; i < server->hop_count; i++) {
        if (slice_eq(slice_of(server->hops[i].hop->name), name)) {
            return server->hops[i].hop;
        }
    }
    return NULL;
}

void accept_all_suspect(struct accept_all *a, const struct conf_route *server, struct slice hop,
                        struct slice domain, const struct envelope *envelope)
{
    const struct conf_hop *h = find_hop(server, hop);
    enum state state;
    if (h == NULL) {
        return;
    }
    struct digest key = key_of(h, domain);
    if (!known(a, h, domain, &key, &state) && find_probe(a, &key) == NULL) {
        (void)begin_probe(a, server, h, domain, &key, envelope, true);
    }
}

static int wait_for(struct probe *p, usec_t deadline, enum state *ret)
{
    int rc = 0;
    p->refs++;
    while (!p->done && rc == 0) {
        rc = cond_wait(&p->ended, deadline);
    }
    if (p->done) {
        *ret = p->state;
        rc = 0;
    }
    probe_unref(p);
    return rc;
}

/* One hop: 0 and *ret, or what accept_all_ask returns. */
static int ask_hop(struct accept_all *a, const struct conf_route *server,
                   const struct conf_hop *hop, struct slice domain, const struct envelope *envelope,
                   usec_t deadline, enum state *ret)
{
    struct digest key = key_of(hop, domain);
    if (known(a, hop, domain, &key, ret)) {
        return 0;
    }
    struct probe *p = find_probe(a, &key);
    p = p != NULL ? p : begin_probe(a, server, hop, domain, &key, envelope, false);
    return p == NULL ? -EAGAIN : wait_for(p, deadline, ret);
}

int accept_all_ask(struct accept_all *a, const struct conf_route *server, struct slice domain,
                   const struct envelope *envelope, usec_t deadline, bool *ret)
{
    hop_set serving = hop_serving(a->pools, server);
    int result = 0;
    bool all = false;
    for (size_t i = 0; i < server->hop_count && !all; i++) {
        enum state state = STATE_CANNOT_SAY;
        if ((serving & hop_set_of(i)) == 0) {
            continue;
        }
        int rc = ask_hop(a, server, server->hops[i].hop, domain, envelope, deadline, &state);
        if (rc == -ECANCELED || rc == -ETIMEDOUT) {
            return rc;
        }
        all = rc == 0 && state == STATE_YES;
        rc = rc == 0 && state == STATE_CANNOT_SAY ? -EAGAIN : rc;
        result = result < 0 ? result : rc;
    }
    if (all) {
        result = 0;
    }
    if (result == 0) {
        *ret = all;
    }
    return result;
}

size_t accept_all_list(const struct accept_all *a, struct accept_all_figure *ret, size_t max)
{
    size_t n = 0;
    list_for_each (it, &a->findings) {
        const struct accept_finding *f = list_entry(it, struct accept_finding, link);
        if (n < max) {
            ret[n++] = (struct accept_all_figure){f->hop->name, f->domain, f->seen};
        }
    }
    return a->finding_count;
}
