/* What comes with the program keeps up with the parser: the sample, the standard policy, the
 * manual. */
#include "conf_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"
#include "conf/value.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A file of the project, by its path in the source folder. NUL-terminated; the caller frees. */
static struct buf project_file(const char *path)
{
    char full_path[4096];
    struct buf text = {0};
    size_t n;

    (void)snprintf(full_path, sizeof(full_path), "%s/%s", SOURCE_ROOT, path);
    FILE *f = fopen(full_path, "re");
    if (f == NULL) {
        fail_msg("cannot open %s", full_path);
    }
    while ((n = fread(buf_reserve(&text, 4096), 1, 4096, f)) > 0) {
        text.n += n;
    }
    (void)fclose(f);
    buf_append(&text, "", 1);
    return text;
}

static const char *const statement_names[] = {
    "clamd",    "control",    "decisions", "dnssec",       "hostname", "include",      "journal",
    "limit",    "listen",     "log",       "marks",        "policy",   "proxy",        "recipients",
    "resolver", "root_hints", "route",     "rspamd",       "set",      "spamassassin", "spool",
    "state",    "table",      "tls",       "trust_anchor", "user",     "workers"};

/* A line of `text` that begins with `a`, `b` and `c` one behind the other, then a blank or the end.
 */
static bool has_line(const char *text, const char *a, const char *b, const char *c)
{
    char wanted[128];

    (void)snprintf(wanted, sizeof(wanted), "\n%s%s%s", a, b, c);
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) {
        char behind = at[strlen(wanted)];
        if (behind == ' ' || behind == '\n') {
            return true;
        }
    }
    return false;
}

/* The sample is valid as it stands and has every statement, be it behind a "#". */
static void sample_is_valid(void **state)
{
    struct buf text = project_file("conf/gatepost.conf");
    struct conf *c = parsed((struct slice){text.p, text.n - 1});

    (void)state;
    conf_free(c);
    for (size_t i = 0; i < COUNT(statement_names); i++) {
        if (!has_line(text.p, "", statement_names[i], "") &&
            !has_line(text.p, "#", statement_names[i], "")) {
            fail_msg("the sample has no statement %s", statement_names[i]);
        }
    }
    buf_free(&text);
}

/* Stands for the files that the sample names. */
static int read_nothing(void *arg, const char *path, struct buf *ret)
{
    (void)ret;
    *(bool *)arg |= strstr(path, "/local.conf") != NULL;
    return 0;
}

/* What the sample shows behind a "#" right before a word is valid too. */
static void sample_is_valid_without_comment_marks(void **state)
{
    struct buf text = project_file("conf/gatepost.conf");
    bool included = false;
    const struct conf_reader reader = {read_nothing, &included};
    struct conf *c = NULL;
    struct conf_error error;

    (void)state;
    for (size_t i = 0; i + 1 < text.n; i++) {
        bool at_start = i == 0 || text.p[i - 1] == '\n';
        if (at_start && text.p[i] == '#' && text.p[i + 1] >= 'a' && text.p[i + 1] <= 'z') {
            text.p[i] = ' ';
        }
    }
    if (conf_parse_with((struct slice){text.p, text.n - 1}, "gatepost.conf", &reader, &c, &error) <
        0) {
        fail_msg("%s", error.text);
    }
    assert_true(included);
    assert_non_null(c->tls_cert);
    assert_non_null(c->user);
    assert_true(c->route_count >= 2);
    assert_true(c->proxy_count >= 1);
    assert_true(c->block_count >= 4);
    conf_free(c);
    buf_free(&text);
}

/* The standard policy is whole when a configuration includes it. */
static void standard_policy_is_whole(void **state)
{
    struct buf text = {0};
    size_t found[CONF_BLOCK_POLICY + 1] = {0};

    (void)state;
    buf_printf(&text, MINIMAL "include \"%s/conf/standard.policy\"\n", SOURCE_ROOT);
    struct conf *c = parsed(buf_slice(&text));
    for (size_t i = 0; i < c->block_count; i++) {
        found[c->blocks[i].kind]++;
    }
    assert_true(found[CONF_BLOCK_TABLE] >= 1 && found[CONF_BLOCK_SET] >= 1);
    assert_int_equal(found[CONF_BLOCK_POLICY], 1);
    conf_free(c);
    buf_free(&text);
}

/* Standard, least and greatest value are in the manual as the parser would read them. */
static void assert_in_manual(const char *manual, const char *name, enum value_kind kind,
                             int64_t standard, int64_t min, int64_t max)
{
    char line[256], values[3][VALUE_TEXT_MAX];

    (void)snprintf(line, sizeof(line), "\n.It Cm %s Pq %s, %s to %s\n", name,
                   value_format(kind, standard, values[0]), value_format(kind, min, values[1]),
                   value_format(kind, max, values[2]));
    if (strstr(manual, line) == NULL) {
        fail_msg("the manual has no line \"%.*s\"", (int)strlen(line) - 2, line + 1);
    }
}

static void manual_is_complete(void **state)
{
    struct buf text = project_file("docs/man/gatepost.conf.5");

    (void)state;
    for (size_t i = 0; i < COUNT(statement_names); i++) {
        if (!has_line(text.p, ".It Ic ", statement_names[i], "")) {
            fail_msg("the manual does not describe %s", statement_names[i]);
        }
    }
#define SETTING(name, kind, standard, min, max, prose)                                             \
    assert_in_manual(text.p, #name, VALUE_##kind, standard, min, max);
#include "tbl/settings.h"
#undef SETTING
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_is_valid),
        cmocka_unit_test(sample_is_valid_without_comment_marks),
        cmocka_unit_test(standard_policy_is_whole),
        cmocka_unit_test(manual_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
