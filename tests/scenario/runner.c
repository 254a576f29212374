/* Runs scenarios: each case in a house of its own, on virtual time. Prints TAP.
 *
 * usage: scenario [--only TEXT] [--trace] FILE-OR-FOLDER… */
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fatal.h"
#include "scenario.h"

/* Lines of the dialogue that are shown of a case that failed. */
#define SHOWN_LINES 30

static const char standard_conf[] = "hostname mx.example\n"
                                    "listen 192.0.2.10:25\n";
static const char standard_routes[] =
    "route example.org to smtp://" HOUSE_HOP "\n"
    "route box.example to maildir:@DIR@/mail/%{rcpt.local_part}\n";

/* ---- for the statements ---- */

void fail(struct run *r, const char *format, ...)
{
    if (r->failed) {
        return;
    }
    r->failed = true;
    va_list ap;
    va_start(ap, format);
    int n = snprintf(r->why, sizeof r->why, "%s:%u: ", r->scenario->file,
                     r->step != NULL ? r->step->line : r->scenario->line);
    vsnprintf(r->why + n, sizeof r->why - (size_t)n, format, ap);
    va_end(ap);
}

void note(struct run *r, const char *prefix, struct slice text)
{
    usec_t t = sim_now(r->house->sim) - 1000 * USEC_SEC;
    buf_printf(&r->log, "%6lld.%03lld %u%s ", (long long)(t / USEC_SEC),
               (long long)(t % USEC_SEC / 1000), r->current, prefix);
    for (size_t i = 0; i < text.n && i < 200; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_printf(&r->log, c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
    }
    buf_printf(&r->log, text.n > 200 ? "… (%zu octets)\n" : "\n", text.n);
}

/* ---- one case ---- */

static void script_task(void *arg)
{
    struct run *r = arg;
    const struct scenario *s = r->scenario;
    for (size_t i = 0; i < s->count && !r->failed; i++) {
        if (s->steps[i].statement->run != NULL) {
            r->step = &s->steps[i];
            r->step->statement->run(r, r->step->rest);
        }
    }
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        client_end(r, &r->clients[i]);
    }
    r->done = true;
}

static void set_up(struct run *r)
{
    buf_printf(&r->conf, "%s", standard_conf);
    for (size_t i = 0; i < r->scenario->count; i++) {
        r->step = &r->scenario->steps[i];
        if (r->step->statement->setup != NULL) {
            r->step->statement->setup(r, r->step->rest);
        }
    }
    if (!r->own_routes) {
        buf_printf(&r->conf, "%s", standard_routes);
    }
    buf_append(&r->conf, "", 1);
    r->house = house_new(1, r->conf.p, 2, r->tls);
    r->hop = mail_hop_new(r->house);
    r->hop->script = hop_script;
    r->hop->script_arg = r;
    if (task_spawn(r->house->outside, rt_root_of(r->house->outside), script_task, r) < 0) {
        fatal("no memory for a script");
    }
}

static void tear_down(struct run *r)
{
    world_reset_faults();
    mail_hop_free(r->hop);
    house_free(r->house);
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        buf_free(&r->clients[i].reply);
    }
    buf_free(&r->conf);
    buf_free(&r->reply_ids);
}

static void run_case(struct run *r)
{
    r->current = 1;
    set_up(r);
    sim_run_until(r->house->sim, &r->done);
    world_reset_faults();
    /* Everything comes to its end now: kept connections, late answers, limits of time. */
    sim_run(r->house->sim, USEC_NEVER);
    if (!r->done) {
        fail(r, "the script hangs");
    }
    if (!r->failed) {
        r->step = NULL;
        check_end(r);
    }
    if (r->done) {
        tear_down(r);
    }
}

/* ---- results ---- */

static void print_commented(const char *text, size_t n, size_t lines)
{
    const char *from = text + n;
    while (from > text && lines > 0) {
        from--;
        lines -= from > text && from[-1] == '\n';
    }
    for (const char *p = from; p < text + n;) {
        const char *lf = memchr(p, '\n', (size_t)(text + n - p));
        size_t length = lf != NULL ? (size_t)(lf - p) : (size_t)(text + n - p);
        printf("#   %.*s\n", (int)length, p);
        p += length + 1;
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool run_and_print(const struct scenario *s, size_t number, bool trace)
{
    struct run *r = xcalloc(1, sizeof *r);
    r->scenario = s;
    run_case(r);
    bool good = !r->failed;
    printf("%s %zu - %s: %s\n", good ? "ok" : "not ok", number, base_name(s->file), s->name);
    if (!good) {
        print_commented(r->why, strlen(r->why), SIZE_MAX);
    }
    if (r->log.n > 0 && (trace || !good)) {
        print_commented(r->log.p, r->log.n, trace ? SIZE_MAX : SHOWN_LINES);
    }
    buf_free(&r->log);
    free(r);
    return good;
}

/* ---- the program ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_scenario(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".smtp") == 0;
}

/* Reads a file, or all of a folder's. */
static bool read_path(struct script *s, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return script_read(s, path);
    }
    struct dirent **list;
    int n = scandir(path, &list, is_scenario, by_name);
    bool good = n > 0;
    for (int i = 0; i < n; i++) {
        struct buf name = {0};
        buf_printf(&name, "%s/%s", path, list[i]->d_name);
        buf_append(&name, "", 1);
        good = good && script_read(s, name.p);
        buf_free(&name);
        free(list[i]);
    }
    if (n >= 0) {
        free(list);
    }
    return good;
}

static bool chosen(const struct scenario *s, const char *only)
{
    return only == NULL || strstr(s->name, only) != NULL;
}

int main(int argc, char **argv)
{
    struct script script = {0};
    const char *only = NULL;
    bool trace = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else if (!read_path(&script, argv[i])) {
            script_free(&script);
            return 2;
        }
    }
    size_t count = 0, number = 0, failed = 0;
    for (size_t i = 0; i < script.count; i++) {
        count += chosen(&script.cases[i], only);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n", count);
    for (size_t i = 0; i < script.count; i++) {
        if (chosen(&script.cases[i], only)) {
            failed += !run_and_print(&script.cases[i], ++number, trace);
        }
    }
    script_free(&script);
    printf("# %zu passed, %zu failed\n", number - failed, failed);
    return failed > 0 || count == 0;
}
