/* See judge/batch.h. */
#include "judge/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fatal.h"
#include "judge/batch_lines.h"
#include "judge/batch_output.h"
#include "judge/mail_file.h"
#include "judge/report.h"
#include "parse/judge_request.h"

#define PROCESSES_MOST 256

/* What the processes of a batch share. */
struct part {
    pid_t process;
    _Atomic uint64_t line; /* that it is at, for whoever tells of its end */
    bool ended;
    struct tally tally;
};

struct shared {
    struct batch_order order;
    _Atomic uint64_t next; /* chunk that is to be taken */
    struct part parts[];
};

/* One process. */
struct judging {
    const struct batch *batch;
    struct part *part;
    int folder;
    struct rehearsal *rehearsal;
    struct arena arena; /* one message's */
    struct buf mail;
    struct buf out;
};

/* ---- one line ---- */

static void refuse(struct judging *j, const struct judged *judged, const char *why)
{
    if (j->batch->json) {
        report_error_json(&j->out, judged, why);
    } else {
        report_error_short(&j->out, judged, why);
    }
    tally_add(&j->part->tally, judged->label, SLICE_LIT("error"), SLICE_LIT(""), 1);
}

/* What decided: a rule, or else the code of the refusal. */
static struct slice decided_by(const struct judge_outcome *o, struct arena *arena)
{
    if (o->rule.n > 0 || o->code < 300) {
        return o->rule;
    }
    return arena_printf(arena,
                        "%u"
                        "%s" SLICE_FMT,
                        o->code, o->enhanced.n > 0 ? " " : "", SLICE_ARG(o->enhanced));
}

static void judge_case(struct judging *j, const struct judged *of, const struct judge_case *c)
{
    struct judge_outcome outcome;
    struct judged judged = *of;
    if (rehearsal_run(j->rehearsal, c, &outcome) < 0) {
        refuse(j, of, "the session made no decision, or more than one");
        return;
    }
    judged.mail = &c->mail;
    judged.outcome = &outcome;
    if (j->batch->json) {
        report_json(&j->out, &judged);
    } else {
        report_short(&j->out, &judged);
    }
    tally_add(&j->part->tally, judged.label, outcome.verdict, decided_by(&outcome, &j->arena), 1);
}

/* What cannot be said in a command; NULL: nothing. */
static const char *unfit(const struct judge_case *c)
{
    if (!judge_word_fits(c->helo)) {
        return "\"helo\" is empty, or has a control character";
    }
    if (!judge_address_fits(c->sender, true)) {
        return "\"mail_from\" is no single address";
    }
    for (size_t i = 0; i < c->recipient_count; i++) {
        if (!judge_address_fits(c->recipients[i], false)) {
            return "\"rcpt\" is no single address";
        }
    }
    return NULL;
}

/* What the line says takes the place of what is said for all. NULL; or what is still missing. */
static const char *fill_in(const struct batch *b, const struct judge_request *q,
                           struct judge_case *c)
{
    *c = b->base;
    c->client = q->ip.family != ADDR_NONE ? q->ip : c->client;
    c->helo = q->helo.p != NULL ? q->helo : c->helo;
    c->sender = q->sender.p != NULL ? q->sender : c->sender;
    c->at_wall = q->has_at ? q->at_wall : c->at_wall;
    if (q->recipient_count > 0) {
        c->recipients = q->recipients;
        c->recipient_count = q->recipient_count;
    }
    return c->client.family == ADDR_NONE ? "\"ip\" is missing, and there is no --ip"
           : c->helo.p == NULL           ? "\"helo\" is missing, and there is no --helo"
           : q->sender.p == NULL && !b->has_sender
               ? "\"mail_from\" is missing, and there is no --from"
           : c->recipient_count == 0 ? "\"rcpt\" is missing, and there is no --rcpt"
                                     : unfit(c);
}

static void judge_request(struct judging *j, const struct judged *judged,
                          const struct judge_request *q)
{
    struct judge_case c;
    uint64_t size = 0;
    const char *wrong = fill_in(j->batch, q, &c);
    size_t most = (size_t)j->batch->conf->limits.message_size + 1;
    int r = wrong == NULL ? mail_file_read(j->folder, q->file.p, true, most, &j->mail, &size) : 0;
    if (r < 0) {
        wrong = r == -ENOTSUP ? "no regular file" : strerror(-r);
    }
    if (wrong != NULL) {
        refuse(j, judged, wrong);
        return;
    }
    mail_text_look(buf_slice(&j->mail), size, &c.mail);
    judge_case(j, judged, &c);
}

static bool is_blank(struct slice line)
{
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') {
            return false;
        }
    }
    return true;
}

static void judge_line(struct judging *j, struct slice line, uint64_t number)
{
    struct judge_request q;
    struct judged judged = {.number = number};
    char why[200];
    atomic_store_explicit(&j->part->line, number, memory_order_relaxed);
    if (is_blank(line)) {
        return;
    }
    arena_reset(&j->arena);
    if (line.n > JUDGE_REQUEST_MOST) {
        refuse(j, &judged, "the line has more than 1 MiB");
        return;
    }
    int r = judge_request_parse(line, &j->arena, &q, why, sizeof(why));
    judged.file = q.file;
    judged.label = q.label;
    if (r < 0) {
        refuse(j, &judged, why);
    } else {
        judge_request(j, &judged, &q);
    }
}

static void judge_chunk(struct judging *j, struct slice text, uint64_t number)
{
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;
        judge_line(j, (struct slice){text.p, n}, number++);
        n += lf != NULL;
        text = (struct slice){text.p + n, text.n - n};
    }
}

/* ---- one process ---- */

static void tell(void *arg, bool trouble, const char *line)
{
    const bool *aloud = arg;
    (void)trouble;
    if (*aloud) {
        (void)fprintf(stderr, "gatepost judge: %s\n", line);
    }
}

/* Takes chunks until there are none, or writing fails. */
static int work(struct judging *j, struct shared *shared, const struct batch_lines *lines)
{
    struct batch_output output = {.order = &shared->order, .to = j->batch->to};
    struct buf text = {0};
    bool on = true;
    int r = 0;
    while (on && r == 0) {
        uint64_t i = atomic_fetch_add(&shared->next, 1);
        if (i >= lines->count) {
            break;
        }
        r = batch_lines_read(lines, i, JUDGE_REQUEST_MOST + 2 * 65536, &text);
        if (r == 0) {
            judge_chunk(j, buf_slice(&text), lines->chunks[i].line);
            on = batch_output_add(&output, i, &j->out);
        }
    }
    on = batch_output_end(&output) && on;
    buf_free(&text);
    return r < 0 || !on ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* All processes ask by the same door. */
static int own_door(const struct batch *b)
{
    return b->door >= 0 ? fcntl(b->door, F_DUPFD_CLOEXEC, 0) : -1;
}

static int process_main(const struct batch *b, struct shared *shared, struct part *part, int folder,
                        const struct batch_lines *lines)
{
    bool aloud = part == &shared->parts[0];
    struct judging j = {.batch = b, .part = part, .folder = folder};
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    arena_init(&j.arena);
    j.rehearsal = rehearsal_new(b->conf, b->policy, b->dns, own_door(b), tell, &aloud);
    int status = work(&j, shared, lines);
    (void)rehearsal_free(j.rehearsal);
    arena_free(&j.arena);
    buf_free(&j.mail);
    buf_free(&j.out);
    return status;
}

/* ---- all of them ---- */

static unsigned processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

static void end_others(const struct shared *shared, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (shared->parts[i].process > 0 && !shared->parts[i].ended) {
            (void)kill(shared->parts[i].process, SIGTERM);
        }
    }
}

static struct part *part_of(struct shared *shared, unsigned count, pid_t process)
{
    for (unsigned i = 0; i < count; i++) {
        if (shared->parts[i].process == process) {
            return &shared->parts[i];
        }
    }
    return NULL;
}

static int cannot_write(int error, char *why)
{
    (void)snprintf(why, BATCH_WHY, "cannot write: %s", strerror(-error));
    return error;
}

/* Why it ended, where it was not as it should; the first one's reason stays. */
static int look_at_end(struct shared *shared, const struct part *p, int status, char *why)
{
    unsigned long long line = atomic_load(&p->line);
    if (WIFSIGNALED(status)) {
        (void)snprintf(why, BATCH_WHY, "line %llu: the process at it ended by signal %d", line,
                       WTERMSIG(status));
        return -ECHILD;
    }
    if (WEXITSTATUS(status) == EXIT_SUCCESS) {
        return 0;
    }
    int error = shared->order.error;
    if (error < 0) {
        return cannot_write(error, why);
    }
    (void)snprintf(why, BATCH_WHY, "line %llu: the file cannot be read any more", line);
    return -EIO;
}

static int await_all(struct shared *shared, unsigned count, char *why)
{
    int result = 0;
    for (unsigned left = count; left > 0;) {
        int status;
        pid_t process = waitpid(-1, &status, 0);
        if (process < 0 && errno == EINTR) {
            continue;
        }
        struct part *p = process > 0 ? part_of(shared, count, process) : NULL;
        if (p == NULL) {
            return result; /* none is left */
        }
        left--;
        p->ended = true;
        if (result == 0) {
            result = look_at_end(shared, p, status, why);
            if (result < 0) {
                end_others(shared, count);
            }
        }
    }
    return result;
}

static int fork_all(const struct batch *b, struct shared *shared, unsigned count, int folder,
                    const struct batch_lines *lines, char *why)
{
    (void)fflush(stdout);
    for (unsigned i = 0; i < count; i++) {
        pid_t process = fork();
        if (process == 0) {
            _exit(process_main(b, shared, &shared->parts[i], folder, lines));
        }
        if (process < 0) {
            int error = errno;
            end_others(shared, i);
            (void)await_all(shared, i, why);
            (void)snprintf(why, BATCH_WHY, "no further process: %s", strerror(error));
            return -error;
        }
        shared->parts[i].process = process;
    }
    return await_all(shared, count, why);
}

static int tell_totals(const struct batch *b, const struct shared *shared, unsigned count,
                       char *why)
{
    struct tally *all = xcalloc(1, sizeof(*all));
    struct buf text = {0};
    int failed = 0;
    for (unsigned i = 0; i < count; i++) {
        tally_merge(all, &shared->parts[i].tally);
    }
    for (size_t i = 0; i < all->count; i++) {
        failed |= strcmp(all->rows[i].verdict, "error") == 0;
    }
    if (b->json) {
        tally_json(all, &text);
    } else {
        buf_append(&text, "\n", 1);
        tally_table(all, &text);
    }
    int r = batch_write(b->to, buf_slice(&text));
    buf_free(&text);
    free(all);
    return r < 0 ? cannot_write(r, why) : failed;
}

static int run(const struct batch *b, const struct batch_lines *lines, int folder, char *why)
{
    unsigned count = b->processes > 0 ? b->processes : processors();
    count = count < PROCESSES_MOST ? count : PROCESSES_MOST;
    count = count < lines->count ? count : (unsigned)(lines->count > 0 ? lines->count : 1);
    size_t size = sizeof(struct shared) + count * sizeof(struct part);
    struct shared *shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fatal("out of memory");
    }
    batch_order_init(&shared->order);
    int r = fork_all(b, shared, count, folder, lines, why);
    r = r == 0 ? tell_totals(b, shared, count, why) : r;
    (void)munmap(shared, size);
    return r;
}

int batch_run(const struct batch *b, char ret_why[static BATCH_WHY])
{
    struct batch_lines lines;
    char *copy = xstrdup(b->file);
    int r = batch_lines_open(b->file, JUDGE_REQUEST_MOST, &lines);
    if (r < 0) {
        (void)snprintf(ret_why, BATCH_WHY, "%s", r == -ENOTSUP ? "no regular file" : strerror(-r));
        free(copy);
        return r;
    }
    int folder = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
    r = folder < 0 ? -errno : run(b, &lines, folder, ret_why);
    if (folder < 0) {
        (void)snprintf(ret_why, BATCH_WHY, "its folder: %s", strerror(-r));
    } else {
        close(folder);
    }
    batch_lines_close(&lines);
    free(copy);
    return r;
}
