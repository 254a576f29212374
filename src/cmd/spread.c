/* See spread.h. What the parts say waits in files without a name: it may be more than memory has.
 */
#include "cmd/spread.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"

/* Less is done before another process has begun. */
#define PIECES_EACH 2000

struct part {
    pid_t pid; /* 0: not begun */
    FILE *lines;
    FILE *sum;
};

unsigned spread_parts(uint64_t pieces)
{
    cpu_set_t set;
    const uint64_t worth = pieces / PIECES_EACH + 1;
    int processors = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
        processors = CPU_COUNT(&set);
    }
    return (unsigned)(worth < (uint64_t)processors ? worth : (uint64_t)processors);
}

static bool cannot(const char *what)
{
    (void)fprintf(stderr, "gatepost: %s: %s\n", what, strerror(errno));
    return false;
}

static _Noreturn void work(const struct spread *s, unsigned number, struct part *p)
{
    bool good = s->work(s->arg, number, p->lines, p->sum);

    if (good && (fflush(p->lines) != 0 || ferror(p->lines) != 0 || fflush(p->sum) != 0 ||
                 ferror(p->sum) != 0)) {
        good = cannot("cannot write a temporary file");
    }
    _exit(good ? 0 : 1);
}

static bool begin(const struct spread *s, unsigned number, struct part *p)
{
    p->lines = tmpfile();
    p->sum = p->lines != NULL ? tmpfile() : NULL;
    if (p->sum == NULL) {
        return cannot("cannot make a temporary file");
    }
    (void)fflush(stdout); /* or each process would write it */
    p->pid = fork();
    if (p->pid == 0) {
        work(s, number, p);
    }
    if (p->pid < 0) {
        p->pid = 0;
        return cannot("cannot begin a process");
    }
    return true;
}

static bool await(const struct part *p)
{
    int status = 0;

    if (p->pid == 0) {
        return false;
    }
    while (waitpid(p->pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return cannot("cannot wait for a process");
        }
    }
    if (WIFSIGNALED(status)) {
        (void)fprintf(stderr, "gatepost: a process of it was killed: %s\n",
                      strsignal(WTERMSIG(status)));
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void copy(FILE *from, FILE *to)
{
    char block[65536];
    size_t n;

    rewind(from);
    while ((n = fread(block, 1, sizeof(block), from)) > 0 && fwrite(block, 1, n, to) == n) {
    }
}

static bool add(const struct spread *s, FILE *sum)
{
    struct buf all = {0};
    size_t n;

    rewind(sum);
    while ((n = fread(buf_reserve(&all, 65536), 1, 65536, sum)) > 0) {
        all.n += n;
    }
    const bool good = s->add(s->arg, buf_slice(&all));
    buf_free(&all);
    return good;
}

static void end(struct part *p)
{
    if (p->lines != NULL) {
        (void)fclose(p->lines);
    }
    if (p->sum != NULL) {
        (void)fclose(p->sum);
    }
}

bool spread_run(const struct spread *s, FILE *out)
{
    struct part *parts = xcalloc(s->parts, sizeof(*parts));
    bool good = true;

    for (unsigned i = 0; i < s->parts && good; i++) {
        good = begin(s, i, &parts[i]);
    }
    for (unsigned i = 0; i < s->parts; i++) {
        good = await(&parts[i]) && good;
    }
    for (unsigned i = 0; i < s->parts; i++) {
        if (good) {
            copy(parts[i].lines, out);
            good = add(s, parts[i].sum);
        }
        end(&parts[i]);
    }
    free(parts);
    return good;
}
