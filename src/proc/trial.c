/* See proc/trial.h. */
#include "proc/trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "proc/configuration.h"
#include "proc/environment.h"
#include "rt/sys.h"

struct configuration_trial {
    const char *file;
    struct snapshot *from; /* the process's own copy, by the fork */
    const char *state;
};

static void say(int words, const char *line)
{
    struct buf text = {0};

    buf_printf(&text, "%s\n", line);
    (void)sys_pwrite_all(words, text.p, text.n, 0);
    buf_free(&text);
}

/* A message that workers of one generation have delivered would be unknown to the next. */
static int check_state(const struct conf *conf, const char *file, const char *state,
                       struct conf_error *ret_error)
{
    if (strcmp(conf->state, state) == 0) {
        return 0;
    }
    conf_error_set(ret_error, file, conf_place_of_statement(conf, "state"),
                   "`state` cannot change from %s without a restart", state);
    return -EINVAL;
}

int trial_check(const char *file, struct snapshot *from, const char *state, int files, int words)
{
    struct configuration *c = NULL;
    struct configuration_words found;
    struct conf_error error = {0};
    struct identity who;

    int r = configuration_load(file, from, &c, &found);
    buf_free(&found.text);
    if (r < 0) {
        say(words, found.error);
        return r;
    }
    r = check_state(c->conf, file, state, &error);
    r = r < 0 ? r : environment_check(c->conf, file, true, &who, &error);
    if (r < 0) {
        say(words, error.text);
    } else {
        r = snapshot_write(c->files, files);
        if (r < 0) {
            say(words, strerror(-r));
        }
    }
    (void)configuration_free(c);
    return r;
}

static int try_configuration(void *arg, int files, int words)
{
    const struct configuration_trial *t = arg;

    return trial_check(t->file, t->from, t->state, files, words) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int trial_configuration(struct trial *t, const char *file, struct snapshot *from, const char *state,
                        int lock, usec_t now)
{
    struct configuration_trial what = {file, from, state};

    return trial_begin(t, try_configuration, &what, lock, now);
}

int trial_begin(struct trial *t, trial_fn *fn, void *arg, int lock, usec_t now)
{
    *t = (struct trial){.files = memfd_create("gatepost-files", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                        .words = memfd_create("gatepost-words", MFD_CLOEXEC),
                        .deadline = now + TRIAL_TIME};
    t->pid = t->files < 0 || t->words < 0 ? -1 : fork();
    if (t->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (lock >= 0) {
            close(lock);
        }
        _exit(fn(arg, t->files, t->words));
    }
    if (t->pid < 0) {
        int r = -errno;
        t->pid = 0;
        trial_end(t);
        return r;
    }
    return 0;
}

void trial_kill(struct trial *t)
{
    if (t->pid != 0 && !t->killed) {
        t->killed = true;
        (void)kill(t->pid, SIGKILL);
    }
}

/* The first line of what it said, or "". */
static void read_words(int words, char *ret, size_t size)
{
    ssize_t n = pread(words, ret, size - 1, 0);

    ret[n > 0 ? n : 0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    text_clean(ret, strlen(ret));
}

bool trial_succeeded(struct trial *t, int status, char *ret_why, size_t why_size)
{
    t->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    read_words(t->words, ret_why, why_size);
    if (t->killed) {
        (void)snprintf(ret_why, why_size, "it was not read and checked within %d s",
                       (int)(TRIAL_TIME / USEC_SEC));
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(ret_why, why_size, "the process that checks it was killed by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (ret_why[0] == '\0') {
        (void)snprintf(ret_why, why_size, "the process that checks it ended with status %d",
                       WEXITSTATUS(status));
    }
    return false;
}

void trial_end(struct trial *t)
{
    trial_kill(t); /* and is buried like any other child */
    if (t->files >= 0) {
        close(t->files);
    }
    if (t->words >= 0) {
        close(t->words);
    }
    *t = (struct trial){.files = -1, .words = -1};
}
