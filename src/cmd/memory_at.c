/* See cmd/memory_at.h. */
#include "cmd/memory_at.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static const char *why(int error)
{
    switch (error) {
    case -EUCLEAN:
        return "it is damaged, and was left as it is; when Gatepost starts it moves a damaged "
               "memory "
               "aside and begins another one";
    case -EPROTONOSUPPORT:
        return "a newer version of Gatepost wrote it, and it was left as it is; when this version "
               "starts it moves such a memory aside and begins another one";
    default: return strerror(-error);
    }
}

enum cmd_status memory_at_failed(const struct memory_at *m, int error)
{
    const char *state = m->configuration->conf->state;
    const bool forbidden = error == -EACCES || error == -EPERM;

    (void)fprintf(stderr, "gatepost: the memory in %s/memory: %s%s\n", state, why(error),
                  forbidden ? "; only root and the user of Gatepost may look into it" : "");
    return CMD_WRONG;
}

static enum cmd_status is_not_there(const char *state, enum memory_use use)
{
    if (use == MEMORY_TO_MAKE) {
        (void)fprintf(stderr, "gatepost: there is no folder %s yet, which `gatepost run` makes\n",
                      state);
    } else {
        (void)fprintf(stderr, "gatepost: nothing is remembered yet: there is none in %s/memory\n",
                      state);
    }
    return CMD_NO;
}

enum cmd_status memory_at_open(const char *file, enum memory_use use, struct memory_at *ret)
{
    *ret = (struct memory_at){.wall = clock_wall()};
    enum cmd_status status = load(file, &ret->configuration);
    if (status == CMD_DONE) {
        status = become_user(ret->configuration->conf, file);
    }
    if (status != CMD_DONE) {
        return status;
    }
    const struct conf *conf = ret->configuration->conf;
    const struct memory_setup setup = environment_memory(conf);
    const int r = memory_open_by_hand(conf->state, &setup, use, &ret->memory);
    if (r == -ENOENT) {
        return is_not_there(conf->state, use);
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
