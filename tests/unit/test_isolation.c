/* Isolation: what is remembered and for how long, and that every sender comes to an end with every
 * recipient, whatever the order and whatever becomes of the others. */
#include "route/isolation.h"

#include "route/leg.h"
#include "store_world.h"

#define HOUR (3600 * USEC_SEC)
#define MOST 8

enum fate {
    TAKEN,
    REFUSED,
    PUT_OFF, /* until some round */
    NEVER,   /* put off for ever */
    UNLUCKY, /* its hop is lost in the first rounds */
    FATES
};

/* A message that a sender tries until all its recipients have their answer. */
struct sending {
    struct message message;
    enum fate fate[MOST];
    unsigned until[MOST]; /* round */
    bool has[MOST];       /* a copy */
    bool final[MOST];
    unsigned count;
    unsigned round;
};

static const char *const names[MOST] = {"a@x.example", "b@x.example", "c@x.example", "d@x.example",
                                        "e@x.example", "f@x.example", "g@x.example", "h@x.example"};

static struct delivery_host host;

/* ---- one transaction ---- */

static void set_answer(const struct sending *s, unsigned i, struct hop_recipient *r)
{
    bool late = s->round < s->until[i];
    if (s->has[i] || s->fate[i] == TAKEN ||
        (s->fate[i] >= PUT_OFF && s->fate[i] != NEVER && !late)) {
        r->answer = answer_ours(250, "2.0.0", "taken");
        r->confirmed = true;
    } else if (s->fate[i] == REFUSED) {
        r->answer = answer_ours(550, "5.7.1", "no");
        r->answer.from_hop = true;
    } else {
        r->answer = answer_ours(450, "4.2.0", "later");
        r->answer.from_hop = s->fate[i] != UNLUCKY;
    }
}

/* All who are not final try to join; what becomes of those who do. */
static void transact(struct sending *s)
{
    struct hop_recipient recipients[MOST] = {0}, *list[MOST];
    unsigned index[MOST];
    struct delivery d = {.host = &host,
                         .envelope = {.sender = SLICE_LIT("s@client.example")},
                         .message = &s->message};
    struct leg leg = {.delivery = &d, .recipients = list};
    d.legs = &leg;
    size_t yes = 0, no = 0;
    s->round++;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->final[i] || isolation_turns_away(&d, slice_of(names[i]))) {
            continue;
        }
        isolation_join(&d);
        struct hop_recipient *r = &recipients[d.count];
        r->mailbox = slice_of(names[i]);
        set_answer(s, i, r);
        index[d.count] = i;
        list[d.count++] = r;
        s->has[i] |= r->confirmed;
        yes += r->confirmed;
        no += answer_is_no(&r->answer);
    }
    leg.count = d.count;
    if (d.count == 0) {
        return;
    }
    enum delivery_end end = yes == d.count  ? DELIVERY_ACCEPTED
                            : no == d.count ? DELIVERY_REFUSED
                                            : DELIVERY_DEFERRED;
    for (size_t i = 0; i < d.count; i++) {
        s->final[index[i]] = end != DELIVERY_DEFERRED;
    }
    isolation_note(&d, end, end == DELIVERY_DEFERRED && yes + no > 0);
}

/* ---- everybody comes to an end ---- */

static bool is_done(const struct sending *s)
{
    bool done = true;
    for (unsigned i = 0; i < s->count; i++) {
        done &= s->final[i] || s->fate[i] == NEVER;
    }
    return done;
}

static unsigned draw(uint32_t *seed, unsigned n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % n;
}

static struct sending sending(uint32_t *seed, uint8_t number)
{
    struct sending s = {.count = 1 + draw(seed, MOST)};
    s.message.digest.octets[0] = number;
    for (unsigned i = 0; i < s.count; i++) {
        s.fate[i] = (enum fate)draw(seed, FATES);
        s.until[i] = s.fate[i] == UNLUCKY ? 3 : 2 + draw(seed, 4);
    }
    return s;
}

/* Messages of one sender to the same recipients, in the same order, their retries mixed. Those put
 * off longest are so for five rounds; then each message needs a round for those who have it, one
 * for the refused, one for the put off, every second one may be another group's, and the other
 * messages' groups stand in the way as well. */
static void ends_task(void *arg)
{
    struct world *w = arg;
    uint32_t seed = 1;
    host = (struct delivery_host){.store = w->store};
    for (unsigned trial = 0; trial < 500; trial++) {
        struct sending s[3];
        unsigned messages = 1 + draw(&seed, 3), worst = 0;
        for (unsigned m = 0; m < messages; m++) {
            s[m] = sending(&seed, (uint8_t)(1 + m));
        }
        for (unsigned turn = 0; turn < 200; turn++) {
            struct sending *next = &s[draw(&seed, messages)];
            if (!is_done(next)) {
                transact(next);
            }
        }
        for (unsigned m = 0; m < messages; m++) {
            worst = s[m].round > worst ? s[m].round : worst;
            w->failed |= !is_done(&s[m]);
        }
        w->failed |= worst > (messages == 1 ? 10 : 24);
        if (w->failed) {
            fprintf(stderr, "trial %u: %u messages, %u rounds\n", trial, messages, worst);
            return;
        }
        task_sleep(rt_now() + 25 * HOUR); /* all is forgotten */
    }
}

static void everybody_comes_to_an_end(void **state)
{
    (void)state;
    in_sim(ends_task);
}

/* ---- what is remembered ---- */

static bool turned_away(const char *name)
{
    struct delivery d = {.host = &host, .envelope = {.sender = SLICE_LIT("s@client.example")}};
    return isolation_turns_away(&d, slice_of(name));
}

/* From the first answer on, however often it was asked for since. */
static void a_day_task(void *arg)
{
    struct world *w = arg;
    struct sending s = {.count = 2, .fate = {TAKEN, NEVER}};
    host = (struct delivery_host){.store = w->store};
    transact(&s);
    assert_true(turned_away(names[1]));
    assert_false(turned_away(names[1])); /* it has yielded */
    assert_false(turned_away(names[0]));
    task_sleep(rt_now() + 23 * HOUR);
    s.final[0] = true;
    s.final[1] = false;
    transact(&s); /* alone: put off again, which changes nothing */
    assert_false(turned_away(names[1]));
    struct delivery d = {.host = &host, .envelope = {.sender = SLICE_LIT("s@client.example")}};
    d.count = 1; /* of no group */
    assert_true(isolation_turns_away(&d, slice_of(names[1])));
    task_sleep(rt_now() + 2 * HOUR);
    assert_false(isolation_turns_away(&d, slice_of(names[1])));
}

static void for_a_day(void **state)
{
    (void)state;
    in_sim(a_day_task);
}

/* A note of a form to come, or of none, is no group. */
static void strange_task(void *arg)
{
    struct world *w = arg;
    static const uint8_t strange[][43] = {{2, 1, 0}, {1, 9, 0}};
    struct addr nobody = {0};
    struct digest k = refusal_key(&nobody, SLICE_LIT("s@client.example"), slice_of(names[0]));
    host = (struct delivery_host){.store = w->store};
    for (size_t i = 0; i < 2; i++) {
        note_keep(w->store, NOTE_ISOLATION, &k, strange[i], sizeof strange[i], rt_wall(),
                  rt_wall() + HOUR);
        assert_false(turned_away(names[0]));
    }
    note_keep(w->store, NOTE_ISOLATION, &k, "\1\1", 2, rt_wall(), rt_wall() + HOUR);
    assert_false(turned_away(names[0]));
}

static void strange_notes(void **state)
{
    (void)state;
    in_sim(strange_task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_comes_to_an_end),
        cmocka_unit_test(for_a_day),
        cmocka_unit_test(strange_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
