/* Authentication-Results: what is read lies within the payload or the arena and keeps the bounds; a
 * name that a field has claims it, however it is written. And a field that is written with whatever
 * octets says what it was to say, no more, when it is read. */
#include "fuzz.h"

#include "auth/auth_results.h"
#include "auth/field_writer.h"
#include "parse/auth_results.h"

static void check_method(const struct auth_method *m)
{
    size_t count = 0;

    FUZZ_CHECK(m->method.n > 0 && m->result.n > 0);
    for (const struct auth_property *p = m->properties; p != NULL; p = p->next) {
        FUZZ_CHECK(p->type.n > 0 && p->name.n > 0);
        FUZZ_CHECK(slice_eq(auth_method_property(m, p->type, p->name), p->value) ||
                   p != m->properties);
        count++;
    }
    FUZZ_CHECK(count <= AUTH_PROPERTIES_MOST);
}

/* The next text of the input, up to an octet 0xfe. */
static struct slice next_text(struct slice *rest)
{
    const char *end = rest->n > 0 ? memchr(rest->p, '\xfe', rest->n) : NULL;
    struct slice text = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
    size_t n = text.n + (end != NULL);

    *rest = (struct slice){rest->p + n, rest->n - n};
    return text;
}

static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return s.n > 0 && s.n <= FIELD_VALUE_MOST;
}

static void check_form(struct slice field)
{
    size_t line = 0;

    FUZZ_CHECK(field.n > 2 && memcmp(field.p + field.n - 2, "\r\n", 2) == 0);
    for (size_t i = 0; i < field.n; i++, line++) {
        if (field.p[i] == '\r') {
            FUZZ_CHECK(field.p[i + 1] == '\n' && line > 1 && line <= 998);
            FUZZ_CHECK(i + 2 == field.n || (field.p[i + 2] == ' ' && field.p[i + 3] != '\r'));
            i++;
            line = (size_t)-1;
        } else {
            FUZZ_CHECK(field.p[i] >= ' ' && field.p[i] <= '~');
        }
    }
}

/* Is a value that can stand as it is read as what it was? */
static void check_value(const struct auth_method *m, const char *name, struct slice value)
{
    if (is_plain(value)) {
        FUZZ_CHECK(slice_eq(auth_method_property(m, SLICE_LIT("header"), slice_of(name)), value));
    }
}

static void check_round_trip(struct slice rest, struct arena *arena)
{
    struct dkim_result d = {.result = AUTH_FAIL};
    struct auth_iprev iprev = {.result = AUTH_PASS, .client = {.family = ADDR_V6}};
    struct spf_outcome spf = {.result = AUTH_PERMERROR};
    struct dmarc_outcome dmarc = {.result = AUTH_FAIL, .policy = DMARC_REJECT};
    struct auth_report report = {
        .id = SLICE_LIT("mx.example.org"),
        .iprev = &iprev,
        .spf = &spf,
        .dkim = &(struct dkim_outcome){.signatures = &d, .count = 1},
        .dmarc = &dmarc,
    };
    struct slice *const texts[] = {&d.domain,   &d.selector,  &d.identity,    &d.problem,
                                   &dmarc.from, &spf.problem, &report.sender, &report.helo,
                                   &iprev.name, &d.algorithm, &dmarc.problem, &d.b};
    struct slice body;
    struct auth_results read;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = next_text(&rest);
    }
    struct slice field = auth_results_write(&report, arena);
    check_form(field);
    FUZZ_CHECK(slice_prefix(field, "Authentication-Results:", &body));
    FUZZ_CHECK(auth_results_parse(body, arena, &read) == 0 && !read.malformed && !read.cut);
    FUZZ_CHECK(slice_eq(read.id, report.id));
    const struct auth_method *m = read.methods;
    static const char *const methods[] = {"iprev", "spf", "dkim", "dmarc"};
    for (size_t i = 0; i < 4; i++, m = m->next) {
        FUZZ_CHECK(m != NULL && slice_eq(m->method, slice_of(methods[i])));
        if (i == 2) {
            check_value(m, "d", d.domain);
            check_value(m, "s", d.selector);
        } else if (i == 3) {
            check_value(m, "from", dmarc.from);
        }
    }
    FUZZ_CHECK(m == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice payload = {fuzz_copy(data, size), size};
    struct auth_results results;
    struct arena arena;
    size_t count = 0;

    arena_init(&arena);
    if (auth_results_parse(payload, &arena, &results) == 0) {
        FUZZ_CHECK(results.id.n > 0 && auth_results_claim(payload, results.id, &arena));
        for (const struct auth_method *m = results.methods; m != NULL; m = m->next) {
            check_method(m);
            count++;
        }
        FUZZ_CHECK(count <= AUTH_RESULTS_MOST && (!results.none || count == 0));
    }
    (void)auth_results_claim(payload, SLICE_LIT("mx.example.org"), &arena);
    check_round_trip(payload, &arena);
    arena_free(&arena);
    free((char *)payload.p);
    return 0;
}
