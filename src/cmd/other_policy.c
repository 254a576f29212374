/* See other_policy.h. */
#include "cmd/other_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/finding.h"

/* What a file that only says policy lacks of a configuration. Nobody listens or is asked. */
static const char rest[] = "hostname policy.invalid\nlisten 127.0.0.1:25\n"
                           "route policy.invalid to smtp://127.0.0.1:25\ninclude \"";

static void put_quoted(struct buf *to, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == '"' || *path == '\\') {
            buf_append(to, "\\", 1);
        }
        buf_append(to, path, 1);
    }
}

/* Is it policy alone? */
static int load_part(const char *file, struct conf **ret, struct conf_error *error)
{
    struct buf text = {0};
    char *path = realpath(file, NULL);

    if (path == NULL) {
        return -errno;
    }
    buf_append_slice(&text, slice_of(rest));
    put_quoted(&text, path);
    buf_append_slice(&text, SLICE_LIT("\"\n"));
    int r = conf_parse(buf_slice(&text), "policy alone", ret, error);
    buf_free(&text);
    free(path);
    return r;
}

static bool has_policy(const struct conf *conf)
{
    bool found = false;

    for (size_t i = 0; i < conf->block_count; i++) {
        found = found || conf->blocks[i].kind == CONF_BLOCK_POLICY;
    }
    return found;
}

/* What is wrong with a file that is neither: its error as a configuration, which it looks like
 * where it says more than policy. */
static int load_conf(const char *file, struct other_policy *p)
{
    struct conf_error error, other;

    if (conf_load(file, &p->conf, &error) == 0) {
        p->whole = true;
        return 0;
    }
    if (load_part(file, &p->conf, &other) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return -1;
    }
    if (!has_policy(p->conf)) {
        (void)fprintf(stderr, "%s: expected a policy, or a whole configuration\n", file);
        return -1;
    }
    return 0;
}

static int compile(struct other_policy *p)
{
    struct findings findings;
    struct buf text = {0};

    findings_init(&findings);
    int r = policy_compile(p->conf, &findings, &p->policy);
    findings_sort(&findings);
    for (size_t i = 0; i < findings.count; i++) {
        if (findings.items[i].severity == FINDING_ERROR) {
            finding_format(&findings.items[i], &text);
        }
    }
    if (text.n > 0) {
        (void)fwrite(text.p, 1, text.n, stderr);
    }
    buf_free(&text);
    findings_free(&findings);
    return r < 0 ? -1 : 0;
}

int other_policy_load(const char *file, struct other_policy *ret)
{
    struct other_policy p = {0};

    if (load_conf(file, &p) < 0 || compile(&p) < 0) {
        other_policy_free(&p);
        return -1;
    }
    *ret = p;
    return 0;
}

void other_policy_free(struct other_policy *p)
{
    (void)policy_free(p->policy);
    (void)conf_free(p->conf);
    *p = (struct other_policy){0};
}
