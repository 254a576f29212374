/* What a trusted sealer says: which of them count, and what their words are worth. */
#include "fact_world.h"

#include "dns_world.h"
#include "fact/sealer.h"
#include "fact/sender_checks.h"

#define SETS_MOST 4

static const char zone[] = "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n"
                           "_dmarc.broken.example. SERVFAIL\n";

struct sealer_world {
    struct dns_world d; /* first */
    struct fact_world f;
    struct evidence_ops ops;
    struct sender_checks checks;
    struct arc_set sets[SETS_MOST];
    char nobody; /* stands for a hashed message, which nobody looks at */
};

static bool is_sealer(const struct evidence *e, enum fact_table table, struct slice text)
{
    (void)e;
    return table == FACT_TABLE_SEALERS && (slice_eq(text, SLICE_LIT("list.example")) ||
                                           slice_eq(text, SLICE_LIT("relay.example")));
}

static void run(void (*fn)(struct dns_world *w))
{
    static struct sealer_world s;
    memset(&s, 0, sizeof(s));
    dns_world_init(&s.d, zone);
    world_init(&s.f);
    s.f.conf.limits.dns_time = 5 * USEC_SEC;
    s.f.conf.limits.auth_time = 20 * USEC_SEC;
    s.f.e.connection_arena = s.f.e.helo_arena = &s.f.arena;
    s.f.e.resolver = s.d.resolver;
    dns_world_do(&s.d, fn);
    arena_free(&s.f.arena);
    dns_world_fini(&s.d);
}

/* A message of that author, with a chain that passes and has no set yet. */
static void begin(struct sealer_world *s, const char *from)
{
    s->ops = world_ops;
    s->ops.table_has_text = is_sealer;
    s->f.e.ops = &s->ops;
    s->f.e.checks = &s->checks;
    s->checks = (struct sender_checks){.message = (void *)&s->nobody};
    s->checks.arc_once.done = true;
    s->checks.arc.result = AUTH_PASS;
    s->checks.arc.from_signed = true;
    s->checks.arc.sets = s->sets;
    s->f.header = arena_printf(&s->f.arena, "From: %s\r\n\r\n", from);
}

/* The next older set. */
static void add_set(struct sealer_world *s, const char *domain, const char *results)
{
    s->sets[s->checks.arc.count++] =
        (struct arc_set){.domain = slice_of(domain), .results = slice_of(results)};
}

static bool vouches(const struct sealer_world *s)
{
    bool ret = true;
    assert_int_equal(sealer_vouches(&s->f.e, &ret), 0);
    return ret;
}

static const struct {
    const char *results;
    bool vouches;
} rows[] = {
    {"list.example; dmarc=pass header.from=a.example", true},
    {"list.example; dmarc=pass", true},
    {"list.example; DMARC=PASS header.from=A.example", true},
    {"list.example; dmarc=pass header.from=b.example", false},
    {"list.example; dmarc=fail header.from=a.example", false},
    /* whoever speaks of DMARC has said all */
    {"list.example; dmarc=fail header.from=a.example; dkim=pass header.d=a.example", false},
    {"list.example; dkim=pass header.d=a.example", true},
    {"list.example; dkim=pass header.i=@a.example header.s=x", true},
    {"list.example; dkim=pass header.i=someone@a.example", true},
    {"list.example; dkim=pass header.d=sub.a.example", true},
    {"list.example; dkim=pass header.d=b.example", false},
    {"list.example; dkim=fail header.d=a.example", false},
    {"list.example; dkim=fail header.d=a.example; spf=pass smtp.mailfrom=x@a.example", true},
    {"list.example; spf=pass smtp.mailfrom=a.example", true},
    {"list.example; spf=softfail smtp.mailfrom=a.example", false},
    {"list.example; iprev=pass policy.iprev=192.0.2.1", false},
    {"list.example; none", false},
    {"list.example", false},
    {";;;", false},
    {"", false},
};

static void words_of_one_(struct dns_world *w)
{
    struct sealer_world *s = (void *)w;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(s, "x@a.example");
        add_set(s, "list.example", rows[i].results);
        if (vouches(s) != rows[i].vouches) {
            fail_msg("row %zu: %s", i, rows[i].results);
        }
    }
}

#define GOOD "x; dmarc=pass header.from=a.example"
#define BAD  "x; dmarc=fail header.from=a.example"

/* Those behind an untrusted one could have been told anything. */
static void only_those_in_an_unbroken_row_(struct dns_world *w)
{
    struct sealer_world *s = (void *)w;
    begin(s, "x@a.example");
    add_set(s, "list.example", BAD);
    add_set(s, "relay.example", GOOD);
    assert_true(vouches(s));

    begin(s, "x@a.example");
    add_set(s, "list.example", BAD);
    add_set(s, "evil.example", GOOD);
    add_set(s, "relay.example", GOOD);
    assert_false(vouches(s));

    begin(s, "x@a.example");
    add_set(s, "evil.example", GOOD);
    add_set(s, "list.example", GOOD);
    assert_false(vouches(s));
}

static void only_of_a_chain_that_passes_(struct dns_world *w)
{
    struct sealer_world *s = (void *)w;
    begin(s, "x@a.example");
    bool ret = true;
    add_set(s, "list.example", GOOD);
    s->checks.arc.from_signed = false; /* anybody may have written another From since */
    assert_false(vouches(s));
    s->checks.arc.from_signed = true;
    assert_true(vouches(s));
    s->checks.arc.result = AUTH_FAIL;
    assert_false(vouches(s));
    s->checks.arc.result = AUTH_NONE;
    assert_false(vouches(s));
    s->checks.arc.result = AUTH_TEMPERROR;
    assert_int_equal(sealer_vouches(&s->f.e, &ret), -EAGAIN);
}

/* Nobody can vouch for a message without an author, or with two. */
static void only_for_one_author_(struct dns_world *w)
{
    struct sealer_world *s = (void *)w;
    begin(s, "x@a.example, y@b.example");
    add_set(s, "list.example", "x; dmarc=pass");
    assert_false(vouches(s));
    begin(s, "");
    add_set(s, "list.example", "x; dmarc=pass");
    assert_false(vouches(s));
}

/* Is it aligned? That cannot be looked up. */
static void when_the_dns_cannot_say_(struct dns_world *w)
{
    struct sealer_world *s = (void *)w;
    bool ret = true;
    begin(s, "x@broken.example");
    add_set(s, "list.example", "x; dkim=pass header.d=sub.broken.example");
    assert_int_equal(sealer_vouches(&s->f.e, &ret), -EAGAIN);
    assert_false(ret);
    add_set(s, "relay.example", "x; dmarc=pass header.from=broken.example"); /* another can */
    assert_true(vouches(s));
    begin(s, "x@broken.example");
    add_set(s, "list.example", "x; dkim=pass header.d=broken.example");
    assert_true(vouches(s));
}

static void words_of_one(void **state)
{
    (void)state;
    run(words_of_one_);
}

static void only_those_in_an_unbroken_row(void **state)
{
    (void)state;
    run(only_those_in_an_unbroken_row_);
}

static void only_of_a_chain_that_passes(void **state)
{
    (void)state;
    run(only_of_a_chain_that_passes_);
}

static void only_for_one_author(void **state)
{
    (void)state;
    run(only_for_one_author_);
}

static void when_the_dns_cannot_say(void **state)
{
    (void)state;
    run(when_the_dns_cannot_say_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_one),
        cmocka_unit_test(only_those_in_an_unbroken_row),
        cmocka_unit_test(only_of_a_chain_that_passes),
        cmocka_unit_test(only_for_one_author),
        cmocka_unit_test(when_the_dns_cannot_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
