/* Plays one case: a house of its own, the script as a task of the world outside, virtual time. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fatal.h"
#include "scenario.h"

/* Behind what the case has itself, so that its lines are numbered from 1. */
static const char standard_conf[] = "hostname mx.example\n"
                                    "listen 192.0.2.10:25\n";
static const char standard_routes[] =
    "route example.org to smtp://" HOUSE_HOP "\n"
    "route box.example to maildir:@DIR@/mail/%{rcpt.local_part}\n";

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

/* ---- the case's own files ---- */

void make_folder(struct run *r)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    if (r->folder[0] != '\0') {
        return;
    }
    snprintf(r->folder, sizeof r->folder, "%s/gatepost-case.XXXXXX", base);
    if (mkdtemp(r->folder) == NULL) {
        fatal("mkdtemp: %s", strerror(errno));
    }
}

static void remove_folder(struct run *r)
{
    DIR *d = r->folder[0] != '\0' ? opendir(r->folder) : NULL;
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", r->folder, e->d_name);
        unlink(path); /* not the folder itself */
    }
    if (d != NULL) {
        closedir(d);
        rmdir(r->folder);
    }
}

/* Puts the folder in the place of each "@FILES@". */
static void name_folder(struct run *r)
{
    static const char mark[] = "@FILES@";
    struct buf out = {0};
    const char *at, *text = r->conf.p;
    while ((at = strstr(text, mark)) != NULL) {
        buf_append(&out, text, (size_t)(at - text));
        buf_printf(&out, "%s", r->folder);
        text = at + sizeof mark - 1;
    }
    buf_append(&out, text, strlen(text) + 1);
    buf_free(&r->conf);
    r->conf = out;
}

/* ---- the case ---- */

static void run_step(struct run *r, unsigned turn)
{
    static const char mark[] = "{turn}";
    const char *at, *rest = r->step->rest;
    struct buf text = {0};
    while (turn > 0 && (at = strstr(rest, mark)) != NULL) {
        buf_append(&text, rest, (size_t)(at - rest));
        buf_printf(&text, "%u", turn);
        rest = at + sizeof mark - 1;
    }
    buf_append(&text, rest, strlen(rest) + 1);
    r->step->statement->run(r, text.p);
    buf_free(&text);
}

static void st_nothing(struct run *r, const char *rest)
{
    (void)r;
    (void)rest; /* it is about which statement comes next */
}

const struct statement loop_statements[] = {
    {"times", st_nothing},
    {"again", st_nothing},
    {NULL},
};

static void run_steps(struct run *r)
{
    const struct scenario *s = r->scenario;
    size_t first = 0;
    unsigned long turn = 0, turns = 0;
    for (size_t i = 0; i < s->count && !r->failed; i++) {
        r->step = &s->steps[i];
        if (r->step->statement == &loop_statements[0]) {
            first = i;
            turn = 1;
            turns = strtoul(r->step->rest, NULL, 10);
        } else if (r->step->statement == &loop_statements[1]) {
            i = turn < turns ? first : i;
            turn = turn < turns ? turn + 1 : 0;
        } else if (r->step->statement->run != NULL) {
            run_step(r, (unsigned)turn);
        }
    }
}

static void script_task(void *arg)
{
    struct run *r = arg;
    run_steps(r);
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        bool open = r->clients[i].stream != NULL;
        client_end(r, &r->clients[i]);
        if (open && r->golden) {
            task_sleep(rt_now() + USEC_SEC); /* in this order, whatever the network does */
        }
    }
    r->done = true;
}

static void make_hops(struct run *r)
{
    for (unsigned i = 0; i < MAIL_HOPS; i++) {
        struct mail_hop *hop = mail_hop_new_number(r->house, i);
        r->hops[i] = (struct hop_asks){.run = r, .hop = hop};
        hop->script = hop_script;
        hop->script_arg = &r->hops[i];
    }
    r->hop = r->hops[0].hop;
}

static void set_up(struct run *r)
{
    for (size_t i = 0; i < r->scenario->count; i++) {
        r->step = &r->scenario->steps[i];
        if (r->step->statement->setup != NULL) {
            r->step->statement->setup(r, r->step->rest);
        }
    }
    buf_printf(&r->conf, "%s%s", standard_conf, r->own_routes ? "" : standard_routes);
    buf_append(&r->conf, "", 1);
    name_folder(r);
    r->house = house_new(1, r->conf.p, 2, r->tls);
    for (unsigned i = 1; i < r->house->worker_count; i++) {
        /* The workers of a house share one policy, and so its tables. */
        struct worker *w = r->house->workers[i];
        w->tables = file_watch_free(w->tables);
    }
    make_hops(r);
    scanners_begin(r);
    if (task_spawn(r->house->outside, rt_root_of(r->house->outside), script_task, r) < 0) {
        fatal("no memory for a script");
    }
}

static void tear_down(struct run *r)
{
    world_reset_faults();
    for (unsigned i = 0; i < MAIL_HOPS; i++) {
        mail_hop_free(r->hops[i].hop);
    }
    scanners_end(r);
    house_free(r->house);
    remove_folder(r);
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        buf_free(&r->clients[i].reply);
    }
    buf_free(&r->conf);
    buf_free(&r->reply_ids);
}

void run_case(struct run *r, void (*finish)(struct run *r))
{
    r->current = 1;
    set_up(r);
    sim_run_until(r->house->sim, &r->done);
    world_reset_faults();
    for (unsigned i = 0; i < r->house->worker_count; i++) {
        struct worker *w = r->house->workers[i];
        w->tables = file_watch_free(w->tables); /* would look for ever */
        recipients_drain(w->deliveries.recipients);
    }
    /* Everything comes to its end now: kept connections, late answers, limits of time. */
    sim_run(r->house->sim, USEC_NEVER);
    if (!r->done) {
        fail(r, "the script hangs");
    }
    if (finish != NULL) {
        finish(r);
    }
    if (!r->failed) {
        r->step = NULL;
        check_end(r);
        check_replayed(r);
    }
    if (r->done) {
        tear_down(r);
    }
}
