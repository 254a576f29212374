/* Statements for the configuration, for time, and for what befalls the process. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/sys.h"
#include "scenario.h"

/* ---- before the house stands ---- */

static void setup_conf(struct run *r, const char *rest)
{
    buf_printf(&r->conf, "%s\n", rest);
    r->own_routes |= strncmp(rest, "route ", 6) == 0;
}

/* table, set and policy: the configuration's own statements, as they stand. */
static void setup_policy(struct run *r, const char *rest)
{
    buf_printf(&r->conf, "%s %s\n", r->step->statement->name, rest);
}

static void setup_tls(struct run *r, const char *rest)
{
    (void)rest;
    r->tls = true;
}

/* ---- the case's own files ---- */

static time_t writes; /* of all cases */

/* NAME { LINE… }: what is between the braces becomes the file @FILES@/NAME. */
static void write_file(struct run *r, const char *rest)
{
    char name[60], path[200];
    const char *end = strrchr(rest, '}');
    bool good = text_word(&rest, name, sizeof name) && *rest == '{' && end != NULL;
    make_folder(r);
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    r->files_changed = r->files_changed || access(path, F_OK) == 0;
    FILE *f = good ? fopen(path, "w") : NULL;
    if (f == NULL) {
        fail(r, "file NAME { LINE… }");
        return;
    }
    fwrite(rest + 1, 1, (size_t)(end - rest - 1), f);
    /* In virtual time two versions may be of the same real moment. */
    writes++;
    struct timespec times[2] = {{.tv_sec = writes}, {.tv_sec = writes}};
    fflush(f);
    futimens(fileno(f), times);
    fclose(f);
}

static void st_remove(struct run *r, const char *rest)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", r->folder, rest);
    if (unlink(path) != 0) {
        fail(r, "remove %s: %s", rest, strerror(errno));
    }
}

/* ---- names of hosts ---- */

/* hosts { LINE… }: in the form of hosts(5), in place of what was there before. */
static void st_hosts(struct run *r, const char *rest)
{
    const char *end = strrchr(rest, '}');
    if (*rest != '{' || end == NULL) {
        fail(r, "hosts { LINE… }");
        return;
    }
    char *text = strndup(rest + 1, (size_t)(end - rest - 1));
    note(r, "- hosts", (struct slice){rest, (size_t)(end - rest) + 1});
    house_set_hosts(r->house, text);
    free(text);
}

/* ---- the DNS ---- */

/* The lines of a block without the blanks that stand in front of its first: in a zone a line that
 * begins with one has the name of the line before. */
static struct buf outdented(struct slice block)
{
    struct buf text = {0};
    size_t from = 0, depth = 0;
    while (from < block.n && (block.p[from] == '\n' || block.p[from] == ' ')) {
        depth = block.p[from++] == '\n' ? 0 : depth + 1;
    }
    for (size_t at = from - depth; at < block.n;) {
        const char *end = memchr(block.p + at, '\n', block.n - at);
        size_t n = end != NULL ? (size_t)(end - block.p) + 1 - at : block.n - at;
        size_t blanks = 0;
        while (blanks < depth && blanks < n && block.p[at + blanks] == ' ') {
            blanks++;
        }
        buf_append(&text, block.p + at + blanks, n - blanks);
        at += n;
    }
    return text;
}

/* dns { LINE… }: a zone file, in place of what the DNS said before. */
static void st_dns(struct run *r, const char *rest)
{
    const char *end = strrchr(rest, '}');
    if (*rest != '{' || end == NULL) {
        fail(r, "dns { LINE… }");
        return;
    }
    struct buf text = outdented((struct slice){rest + 1, (size_t)(end - rest - 1)});
    struct zone_problem problem;
    struct zone *zone = zone_new();
    if (zone_read(zone, buf_slice(&text), &problem) < 0) {
        fail(r, "dns: line %u, column %u: %s", problem.line, problem.column, problem.text);
        zone_free(zone);
    } else {
        note(r, "-", SLICE_LIT("dns"));
        house_set_dns(r->house, zone);
    }
    buf_free(&text);
}

/* ---- time ---- */

static void st_time(struct run *r, const char *rest)
{
    const char *end;
    usec_t t = text_duration(rest, &end);
    if (t < 0) {
        fail(r, "time DURATION");
        return;
    }
    note(r, "- time", slice_of(rest));
    task_sleep(rt_now() + t);
}

/* ---- mailboxes ---- */

static void st_mailbox(struct run *r, const char *rest)
{
    char path[200];
    snprintf(path, sizeof path, "%s/mail/%s", r->house->folder, rest);
    if (mkdir(path, 0700) != 0) {
        fail(r, "mailbox %s: %s", rest, strerror(errno));
    }
}

/* ---- the process ---- */

static unsigned slot_of(const char *rest)
{
    return (unsigned)strtoul(rest, NULL, 10);
}

static void st_drain(struct run *r, const char *rest)
{
    note(r, "- SIGTERM to worker", slice_of(rest));
    house_drain(r->house, slot_of(rest));
}

static void st_kill(struct run *r, const char *rest)
{
    note(r, "- kill -9 of worker", slice_of(rest));
    r->killed = true;
    house_kill(r->house, slot_of(rest));
}

/* ---- faults ---- */

static int file_error; /* of every call until it is 0 again */

static int file_fault(enum sys_op op)
{
    /* What takes away still works. */
    return op == SYS_UNLINK || op == SYS_STAT ? 0 : file_error;
}

void world_reset_faults(void)
{
    file_error = 0;
    sys_fault = NULL;
}

static void st_fault_file(struct run *r, const char *rest)
{
    file_error = strcmp(rest, "full") == 0 ? -ENOSPC : strcmp(rest, "broken") == 0 ? -EIO : 0;
    sys_fault = file_error != 0 ? file_fault : NULL;
    if (file_error == 0 && strcmp(rest, "none") != 0) {
        fail(r, "fault file full, broken or none");
    }
}

/* fault store broken, fault store slow DURATION: the next write */
static void st_fault_store(struct run *r, const char *rest)
{
    usec_t delay = strncmp(rest, "slow ", 5) == 0 ? text_duration(rest + 5, &rest) : 0;
    int error = delay == 0 ? -EIO : 0;
    if (delay < 0 || (delay == 0 && strcmp(rest, "broken") != 0)) {
        fail(r, "fault store broken, or slow DURATION");
        return;
    }
    for (unsigned i = 0; i < r->house->worker_count; i++) {
        sim_next_call(r->house->workers[i]->rt, RT_CALL_STORE, error, delay);
    }
}

/* ---- memory ---- */

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* What the script itself holds: its dialogue, and replies not looked at yet. */
static size_t own(const struct run *r)
{
    size_t n = r->log.cap + r->reply_ids.cap + r->house->decisions.cap + r->hop->heard.cap;
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        n += r->clients[i].in.cap + r->clients[i].reply.cap;
    }
    return n;
}

/* Octets allocated in this whole program: workers and network. */
static size_t allocated(const struct run *r)
{
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return __sanitizer_get_current_allocated_bytes() - own(r);
    }
    return mallinfo2().uordblks + mallinfo2().hblkhd - own(r);
}

static void st_memory_mark(struct run *r, const char *rest)
{
    (void)rest;
    r->memory_mark = allocated(r);
}

static void st_memory_below(struct run *r, const char *rest)
{
    int64_t limit = text_size(rest);
    size_t now = allocated(r);
    size_t grown = now > r->memory_mark ? now - r->memory_mark : 0;
    if (limit < 0 || r->memory_mark == 0) {
        fail(r, "expect memory below SIZE, behind memory mark");
    } else if (grown > (size_t)limit) {
        fail(r, "memory has grown by %zu octets", grown);
    }
}

const struct statement world_statements[] = {
    {"conf", .setup = setup_conf},
    {"policy", .setup = setup_policy, .block = true},
    {"table", .setup = setup_policy, .block = true},
    {"set", .setup = setup_policy, .block = true},
    {"file", .setup = write_file, .block = true},
    {"rewrite", write_file, .block = true},
    {"remove", st_remove},
    {"with tls", .setup = setup_tls},
    {"hosts", st_hosts, .block = true},
    {"dns", st_dns, .block = true},
    {"time", st_time},
    {"mailbox", st_mailbox},
    {"drain", st_drain},
    {"kill", st_kill},
    {"fault file", st_fault_file},
    {"fault store", st_fault_store},
    {"memory mark", st_memory_mark},
    {"expect memory below", st_memory_below},
    {NULL},
};
