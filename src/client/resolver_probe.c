/* Is the DNS there? A question goes out at the beginning, then every few minutes, and soon where
 * many others have come to nothing one behind the other: for a name right below the root that
 * nobody has asked for before. `. NS` would be known for days to whoever is asked, and prove
 * nothing; an unknown name makes the root's servers, or ours, really answer. That it does not exist
 * is just as good an answer, and where the root is validated it is signed. */
#include "client/resolver_impl.h"

#define PROBE_EVERY (300 * USEC_SEC)
/* While it is broken, and after FAILURES_MOST others. */
#define PROBE_SOON    (10 * USEC_SEC)
#define FAILURES_MOST 10
#define LABEL_OCTETS  12

static void put_off(struct resolver *r, usec_t time)
{
    rt_timer_set(r->rt, &r->probe.timer, rt_now_of(r->rt) + time);
}

/* What is wrong with the answer; NULL: nothing. */
static const char *trouble_of(const struct resolver *r, const struct dns_answer *a)
{
    switch (a->state) {
    case DNS_ANSWER:
    case DNS_NODATA:
    case DNS_NO_NAME: return r->validates && !a->secure ? "what the root says is not signed" : NULL;
    case DNS_BOGUS: return "the root does not validate";
    case DNS_TIMED_OUT: return "no server answers in time";
    case DNS_FAILED: break;
    }
    return "no server gives an answer that can be used";
}

static void turn(struct resolver *r, const char *trouble)
{
    struct resolver_health *h = &r->health;
    bool was = h->trouble != NULL, first = !h->known;
    h->known = true;
    h->trouble = trouble;
    if (first || was != (trouble != NULL)) {
        h->since = rt_now_of(r->rt);
    }
    if (trouble != NULL && !was) {
        r->probe.tell(r->probe.arg, true, trouble);
    } else if (trouble == NULL && was) {
        r->probe.tell(r->probe.arg, false, "");
    }
}

static void on_heard(void *arg)
{
    struct resolver *r = arg;
    struct dns_answer a;
    dns_listener_take(&r->probe.listener, &r->probe.arena, &a);
    dns_listener_end(&r->probe.listener);
    arena_reset(&r->probe.arena);
    r->probe.asking = false;
    r->probe.failures = 0;
    turn(r, trouble_of(r, &a));
    put_off(r, r->health.trouble != NULL ? PROBE_SOON : PROBE_EVERY);
}

/* A name that is not known to anybody's cache. */
static void make_name(struct resolver *r, struct dns_name *ret)
{
    uint8_t octets[LABEL_OCTETS];
    char label[LABEL_OCTETS];
    rt_random_of(r->rt, octets, sizeof(octets));
    for (size_t i = 0; i < LABEL_OCTETS; i++) {
        label[i] = (char)('a' + octets[i] % 26);
    }
    dns_name_root(ret);
    (void)dns_name_prepend(ret, (struct slice){label, LABEL_OCTETS});
}

static void on_probe(void *arg)
{
    struct resolver *r = arg;
    struct dns_name name;
    make_name(r, &name);
    r->probe.began = rt_now_of(r->rt);
    r->probe.asking = true;
    r->probe.listener = (struct dns_listener){.fn = on_heard, .arg = r};
    dns_listener_begin(&r->probe.listener, r, &name, DNS_NS, &r->probe.arena);
}

void resolver_probe_note(struct resolver *r, enum dns_state state)
{
    struct resolver_probe *p = &r->probe;
    if (p->tell == NULL || p->asking) {
        return;
    }
    p->failures = state == DNS_FAILED || state == DNS_TIMED_OUT ? p->failures + 1 : 0;
    if (p->failures >= FAILURES_MOST && r->health.trouble == NULL &&
        rt_now_of(r->rt) - p->began >= PROBE_SOON) {
        put_off(r, 0);
    }
}

void resolver_watch(struct resolver *r, resolver_turned *tell, void *arg)
{
    if (r->source != NULL) {
        arena_init(&r->probe.arena);
        r->probe.tell = tell;
        r->probe.arg = arg;
        r->probe.timer = (struct rt_timer){.fn = on_probe, .arg = r};
        put_off(r, 0);
    }
}

void resolver_probe_end(struct resolver *r)
{
    if (r->probe.tell != NULL) {
        rt_timer_clear(r->rt, &r->probe.timer);
        dns_listener_end(&r->probe.listener);
        arena_free(&r->probe.arena);
        r->probe.tell = NULL;
    }
}

const struct resolver_health *resolver_health(const struct resolver *r)
{
    return &r->health;
}

bool resolver_validates(const struct resolver *r)
{
    return r->validates;
}
