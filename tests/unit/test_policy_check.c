/* The checker on files: tests/policy/wrong holds policies with what `gatepost check` must find in
 * them, tests/policy/right policies in which it must find nothing. Adding one is adding a file.
 *
 * A file is the part of a configuration that says policy. Lines that begin with "#!" are for us:
 *
 *     #! error 3:9 part of the text           in this order, all of them, and nothing else
 *     #! warning list.table:2:1 part of it    in another file
 *     #! advice part of the advice            of the finding before
 *     #! facts more                           also with those below
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/compiler.h"

#define FILES_MOST 400

/* Facts as later parts will have them: of every cost and type. */
static const struct fact later_facts[] = {
    {"client.age", TYPE_DURATION, 0, PHASE_CONNECT, SCOPE_CONNECTION, COST_FREE, KEEPING_LIVE, "",
     NULL, NULL},
    {"spf", TYPE_RESULT, 0, PHASE_MAIL, SCOPE_TRANSACTION, COST_DNS, KEEPING_REMEMBERED, "", NULL,
     result_words},
    {"dmarc", TYPE_RESULT, 0, PHASE_MESSAGE, SCOPE_TRANSACTION, COST_DNS, KEEPING_REMEMBERED, "",
     NULL, result_words},
    {"virus", TYPE_TEXT, 0, PHASE_MESSAGE, SCOPE_TRANSACTION, COST_CONTENT, KEEPING_REMEMBERED, "",
     NULL, NULL},
    {"attachments", TYPE_SET, 0, PHASE_MESSAGE, SCOPE_TRANSACTION, COST_CONTENT, KEEPING_REMEMBERED,
     "", NULL, NULL},
    {"pair", TYPE_TEXT, 2, PHASE_MESSAGE, SCOPE_TRANSACTION, COST_FREE, KEEPING_REMEMBERED, "",
     NULL, NULL},
};

#define LATER_COUNT (sizeof(later_facts) / sizeof(later_facts[0]))

static struct fact more_facts[FACT_COUNT + LATER_COUNT];

/* ---- a file ---- */

static void read_file(const char *path, struct buf *ret)
{
    FILE *file = fopen(path, "r");
    size_t n = 1;

    assert_non_null(file);
    while (n > 0) {
        n = fread(buf_reserve(ret, 4096), 1, 4096, file);
        ret->n += n;
    }
    assert_int_equal(fclose(file), 0);
}

/* The next line behind "#! " in the text, NUL-terminated in `ret_line`; NULL when there is none,
 * else where to go on. */
static const char *next_order(const char *text, char *ret_line, size_t size)
{
    const char *at = strstr(text, "#! ");

    if (at == NULL) {
        return NULL;
    }
    size_t n = strcspn(at, "\n");
    assert_true(n < size);
    (void)snprintf(ret_line, size, "%.*s", (int)n - 3, at + 3);
    return at + n;
}

/* ---- what was found, against what was expected ---- */

static bool ends_with(const char *text, const char *end, size_t n)
{
    size_t length = strlen(text);

    return length >= n && memcmp(text + length - n, end, n) == 0;
}

/* `order`: "error FILE:LINE:COLUMN TEXT", without the file for the one that is tested. */
static bool is_finding(const struct conf_finding *x, const char *order, const char *path)
{
    const char *severity = x->severity == FINDING_ERROR ? "error " : "warning ";
    char place[4200], wanted[4200];

    if (strncmp(order, severity, strlen(severity)) != 0) {
        return false;
    }
    order += strlen(severity);
    int n = (int)strcspn(order, " ");
    bool own = strcspn(order, ":") == strspn(order, "0123456789");
    (void)snprintf(place, sizeof(place), "%s:%u:%u", x->place.source->name, x->place.line,
                   x->place.column);
    n = snprintf(wanted, sizeof(wanted), "%s%s%.*s", own ? path : "", own ? ":" : "/", n, order);
    order = strchr(order, ' ');
    return ends_with(place, wanted, (size_t)n) && order != NULL && order[1] != '\0' &&
           strstr(x->text, order + 1) != NULL;
}

static bool are_expected(const struct findings *f, const char *text, const char *path)
{
    char line[512];
    size_t i = 0;

    while ((text = next_order(text, line, sizeof(line))) != NULL) {
        if (strncmp(line, "facts ", 6) == 0) {
            continue;
        }
        if (strncmp(line, "advice ", 7) == 0) {
            if (i == 0 || strstr(f->items[i - 1].advice, line + 7) == NULL) {
                return false;
            }
            continue;
        }
        if (i == f->count || !is_finding(&f->items[i], line, path)) {
            return false;
        }
        i++;
    }
    return i == f->count;
}

static void check_findings(const struct findings *f, const char *text, const char *path)
{
    if (are_expected(f, text, path)) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        struct buf found = {0};
        finding_format(&f->items[i], &found);
        buf_append(&found, "", 1);
        print_error("%s", found.p);
        buf_free(&found);
    }
    fail_msg("these %zu findings are not what %s expects", f->count, path);
}

static int check(const char *path, struct findings *ret)
{
    struct buf text = {0}, whole = {0};
    struct conf *conf = NULL;
    struct conf_error error;
    struct policy *policy = NULL;

    read_file(path, &text);
    buf_append(&text, "", 1);
    buf_printf(&whole,
               "%s\nhostname mx.example.org\nlisten 127.0.0.1:25\n"
               "route example.org to smtp://127.0.0.1\n",
               text.p);
    if (conf_parse_with(buf_slice(&whole), path, NULL, &conf, &error) < 0) {
        fail_msg("%s\n%s", error.text, error.excerpt);
    }
    bool more = strstr(text.p, "#! facts more") != NULL;
    int r = policy_compile_with(conf, more ? more_facts : facts,
                                more ? FACT_COUNT + LATER_COUNT : FACT_COUNT, ret, &policy);
    assert_int_equal(r<0, ret->errors> 0);
    assert_int_equal(policy != NULL, r == 0);
    findings_sort(ret);
    check_findings(ret, text.p, path);
    (void)policy_free(policy);
    (void)conf_free(conf);
    buf_free(&text);
    buf_free(&whole);
    return r;
}

static void wrong(void **state)
{
    struct findings f;

    findings_init(&f);
    (void)check(*state, &f);
    assert_true(f.count > 0);
    findings_free(&f);
}

static void right(void **state)
{
    struct findings f;

    findings_init(&f);
    assert_int_equal(check(*state, &f), 0);
    assert_int_equal(f.count, 0);
    findings_free(&f);
}

/* ---- all files ---- */

static struct CMUnitTest tests[FILES_MOST];
static size_t test_count;

static int is_policy(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".policy", 7);
}

static size_t add_folder(const char *folder, void (*run)(void **state))
{
    struct dirent **entries;
    char path[4096];
    int count = scandir(folder, &entries, is_policy, alphasort);

    for (int i = 0; i < count && test_count < FILES_MOST; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        char *kept = strdup(path);
        tests[test_count++] =
            (struct CMUnitTest){strstr(kept, "tests/policy/"), run, NULL, NULL, kept};
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return count < 0 ? 0 : (size_t)count;
}

int main(void)
{
    memcpy(more_facts, facts, sizeof(facts));
    memcpy(more_facts + FACT_COUNT, later_facts, sizeof(later_facts));
    size_t wrongs = add_folder(SOURCE_ROOT "/tests/policy/wrong", wrong);
    size_t rights = add_folder(SOURCE_ROOT "/tests/policy/right", right);
    char standard[] = SOURCE_ROOT "/conf/standard.policy";
    tests[test_count++] = (struct CMUnitTest){"conf/standard.policy", right, NULL, NULL, standard};
    int failed = _cmocka_run_group_tests("policy_check", tests, test_count, NULL, NULL);
    for (size_t i = 0; i + 1 < test_count; i++) {
        free(tests[i].initial_state);
    }
    if (wrongs < 50 || rights < 3) {
        (void)fprintf(stderr, "only %zu wrong and %zu right policies\n", wrongs, rights);
        return 1;
    }
    return failed;
}
