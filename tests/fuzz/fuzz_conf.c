/* Configuration files: refused in one clean line that has a place, or all promises of conf.h hold.
 */
#include "fuzz.h"

#include <errno.h>

#include "base/text.h"
#include "conf/conf.h"

static void check_error(const struct conf_error *error)
{
    static const char name[] = "fuzz.conf:";
    size_t n = strnlen(error->text, sizeof(error->text));
    char *end;

    FUZZ_CHECK(n < sizeof(error->text));
    FUZZ_CHECK(text_clean_length(error->text, n) == n);
    FUZZ_CHECK(strncmp(error->text, name, sizeof(name) - 1) == 0);
    FUZZ_CHECK(strtoul(error->text + sizeof(name) - 1, &end, 10) >= 1 && *end == ':');
    FUZZ_CHECK(strtoul(end + 1, &end, 10) >= 1 && *end == ':');
    FUZZ_CHECK(strstr(end, "expected") || strstr(end, "did you mean"));
}

static void check_limits(const struct conf_limits *limits)
{
#define SETTING(name, kind, standard, min, max, prose)                                             \
    FUZZ_CHECK(limits->name >= (min) && limits->name <= (max));
#include "tbl/settings.h"
#undef SETTING
}

static void check_path(const char *path)
{
    FUZZ_CHECK(path[0] == '/' && text_clean_length(path, strlen(path)) == strlen(path));
}

static void check_domain(const struct conf *c, const struct conf_domain *d)
{
    char below[512];

    FUZZ_CHECK(d->pattern.n > 0 && d->pattern.n < 256 && d->route);
    if (d->pattern.p[0] != '.') {
        FUZZ_CHECK(conf_route_find(c, d->pattern) == d->route);
    } else if (d->pattern.n > 1) {
        /* A subdomain that no other pattern can name: no label may have an underscore. */
        int n = snprintf(below, sizeof(below), "_" SLICE_FMT, SLICE_ARG(d->pattern));
        FUZZ_CHECK(conf_route_find(c, (struct slice){below, (size_t)n}) == d->route);
    } else {
        FUZZ_CHECK(conf_route_find(c, SLICE_LIT("_")) == d->route);
    }
}

static void check_conf(const struct conf *c)
{
    unsigned line, column;

    FUZZ_CHECK(c->hostname[0] && c->listen_count > 0 && c->route_count > 0 && c->domain_count > 0);
    FUZZ_CHECK(c->workers >= 1 && c->workers <= CONF_WORKERS_MAX);
    FUZZ_CHECK(!c->tls_cert == !c->tls_key);
    FUZZ_CHECK(!c->decisions_file == (c->decisions != CONF_DECISIONS_FILE));
    check_path(c->state);
    check_path(c->spool);
    check_limits(&c->limits);
    for (size_t i = 0; i < c->listen_count; i++) {
        FUZZ_CHECK(c->listen[i].family != ADDR_NONE && c->listen[i].port > 0);
        conf_listen_place(c, i, &line, &column);
        FUZZ_CHECK(line >= 1 && column >= 1);
    }
    for (size_t i = 0; i < c->route_count; i++) {
        FUZZ_CHECK((c->routes[i]->kind == CONF_ROUTE_MAILDIR) == !!c->routes[i]->folder);
        FUZZ_CHECK(c->routes[i]->name[0]);
    }
    for (size_t i = 0; i < c->domain_count; i++) {
        check_domain(c, &c->domains[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct conf *c = NULL;
    struct conf_error error;
    int r = conf_parse(text, "fuzz.conf", &c, &error);

    /* The configuration must not need the text any more. */
    free((char *)text.p);
    FUZZ_CHECK((r == 0 && c) || (r == -EINVAL && !c));
    if (r == 0) {
        check_conf(c);
    } else {
        check_error(&error);
    }
    conf_free(c);
    return 0;
}
