/* See cmd/memory_at.h. */
#include "cmd/memory_at.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "proc/environment.h"

/* Warnings about the policy are not what was asked for. */
static enum cmd_status load(const char *file, struct configuration **ret)
{
    struct configuration_words words;
    const int r = configuration_load(file, NULL, ret, &words);

    if (r < 0) {
        (void)fwrite(words.text.p, 1, words.text.n, stderr);
    }
    buf_free(&words.text);
    return r < 0 ? CMD_WRONG : CMD_DONE;
}

static enum cmd_status become_user(const struct conf *conf, const char *file)
{
    struct identity who;
    char why[200];

    if (identity_find(conf, &who, why, sizeof(why)) < 0) {
        (void)fprintf(stderr, "%s: %s\n", file, why);
        return CMD_WRONG;
    }
    const int r = who.change ? identity_become(&who) : 0;
    if (r < 0) {
        (void)fprintf(stderr, "gatepost: cannot become user %s: %s\n", who.name, strerror(-r));
        return CMD_WRONG;
    }
    return CMD_DONE;
}

enum cmd_status memory_at_failed(const struct memory_at *m, int error)
{
    const char *state = m->configuration->conf->state;
    const bool forbidden = error == -EACCES || error == -EPERM;

    (void)fprintf(stderr, "gatepost: the memory in %s/memory: %s%s\n", state, strerror(-error),
                  forbidden ? "; only root and the user of Gatepost may look into it" : "");
    return CMD_WRONG;
}

/* Is there one, or a place for it? */
static enum cmd_status look(const struct memory_at *m, enum memory_use use)
{
    const char *state = m->configuration->conf->state;
    char path[4200];
    struct stat s;

    (void)snprintf(path, sizeof(path), "%s/memory", state);
    if (stat(use == MEMORY_TO_LOOK ? path : state, &s) == 0) {
        return CMD_DONE;
    }
    if (errno != ENOENT) {
        return memory_at_failed(m, -errno);
    }
    if (use == MEMORY_TO_LOOK) {
        (void)fprintf(stderr, "gatepost: nothing is remembered yet: there is no %s\n", path);
    } else {
        (void)fprintf(stderr, "gatepost: there is no folder %s yet, which `gatepost run` makes\n",
                      state);
    }
    return CMD_NO;
}

enum cmd_status memory_at_open(const char *file, enum memory_use use, struct memory_at *ret)
{
    const char *note = NULL;

    *ret = (struct memory_at){.wall = clock_wall()};
    enum cmd_status status = load(file, &ret->configuration);
    if (status == CMD_DONE) {
        status = become_user(ret->configuration->conf, file);
    }
    if (status == CMD_DONE) {
        status = look(ret, use);
    }
    if (status != CMD_DONE) {
        return status;
    }
    const struct conf *conf = ret->configuration->conf;
    const struct memory_setup setup = environment_memory(conf);
    const int r = memory_open_lmdb(NULL, conf->state, &setup, &ret->memory, &note);
    if (note != NULL) {
        (void)fprintf(stderr, "gatepost: %s\n", note);
    }
    return r < 0 ? memory_at_failed(ret, r) : CMD_DONE;
}

enum cmd_status memory_at_close(struct memory_at *m, enum cmd_status status)
{
    if (m->memory != NULL) {
        const int r = memory_flush(m->memory);
        if (r < 0) {
            status = memory_at_failed(m, r);
        }
        (void)memory_close(m->memory);
    }
    (void)configuration_free(m->configuration);
    return status;
}
