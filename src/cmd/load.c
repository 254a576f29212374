/* The configuration and its policy, with what is wrong with them told on standard error. */
#include <stdio.h>

#include "cmd/cmd.h"

static void print_findings(struct findings *f)
{
    struct buf text = {0};

    findings_sort(f);
    for (size_t i = 0; i < f->count; i++) {
        finding_format(&f->items[i], &text);
    }
    if (text.n > 0) {
        (void)fwrite(text.p, 1, text.n, stderr);
    }
    buf_free(&text);
}

int cmd_load(const char *file, struct conf **ret_conf, struct policy **ret_policy,
             size_t *ret_warnings)
{
    struct conf *conf = NULL;
    struct conf_error error;
    struct findings findings;

    if (conf_load(file, &conf, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return -1;
    }
    findings_init(&findings);
    int r = policy_compile(conf, &findings, ret_policy);
    print_findings(&findings);
    *ret_warnings = findings.count;
    findings_free(&findings);
    if (r < 0) {
        (void)conf_free(conf);
        return -1;
    }
    *ret_conf = conf;
    return 0;
}
