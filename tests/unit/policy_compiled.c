#include "policy_compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#define NEEDED                                                                                     \
    "\nhostname mx.example.org\nlisten 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n"

static int read_file(void *arg, const char *path, struct buf *ret)
{
    const char *const *files = arg;

    for (; *files != NULL; files += 2) {
        if (strcmp(path, files[0]) == 0) {
            buf_append_slice(ret, slice_of(files[1]));
            return 0;
        }
    }
    return -ENOENT;
}

struct compiled compile_files(struct slice text, const char *const *files)
{
    static const char *const none[] = {NULL};
    const struct conf_reader reader = {read_file,
                                       (void *)(uintptr_t)(files != NULL ? files : none)};
    struct compiled c = {0};
    struct conf_error error;
    struct buf whole = {0};

    buf_append_slice(&whole, text);
    buf_append_slice(&whole, SLICE_LIT(NEEDED));
    findings_init(&c.findings);
    if (conf_parse_with(buf_slice(&whole), "/etc/gatepost.conf", &reader, &c.conf, &error) < 0) {
        fail_msg("%s", error.text);
    }
    c.r = policy_compile(c.conf, &c.findings, &c.policy);
    buf_free(&whole);
    return c;
}

struct compiled compile_good(const char *text)
{
    struct compiled c = compile_files(slice_of(text), NULL);

    if (c.r < 0) {
        fail_msg("%s (line %u)", c.findings.items[0].text, c.findings.items[0].place.line);
    }
    return c;
}

void compiled_free(struct compiled *c)
{
    assert_null(policy_free(c->policy));
    findings_free(&c->findings);
    (void)conf_free(c->conf);
}

void assert_refused(struct compiled *c, const char *part)
{
    assert_int_equal(c->r, -EINVAL);
    assert_null(c->policy);
    assert_non_null(strstr(c->findings.items[0].text, part));
    compiled_free(c);
}

void assert_slice(struct slice s, const char *expected)
{
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.p, expected, s.n);
}

const struct rule *rule_at(const struct compiled *c, enum phase phase, size_t i)
{
    assert_true(i < c->policy->phases[phase].count);
    return c->policy->phases[phase].rules[i];
}

const struct policy_table *table_named(const struct policy *p, const char *name)
{
    for (size_t i = 0; i < p->table_count; i++) {
        if (strcmp(p->tables[i]->name, name) == 0) {
            return p->tables[i];
        }
    }
    return NULL;
}
