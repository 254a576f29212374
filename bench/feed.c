/* Writes decision lines from standard input into a journal, by its own writer, as the clerk would.
 *
 * usage: feed CONF            prints the digest of the configuration's policy
 *        feed CONF JOURNAL    writes */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "conf/finding.h"
#include "journal/writer.h"
#include "policy/policy.h"

#define PATIENCE (10 * USEC_SEC)

static struct policy *load(const char *file, struct conf **ret_conf)
{
    struct conf_error error;
    struct findings findings;
    struct policy *policy = NULL;

    if (conf_load(file, ret_conf, &error) < 0) {
        fatal("%s", error.text);
    }
    findings_init(&findings);
    if (policy_compile(*ret_conf, &findings, &policy) < 0) {
        fatal("%s: %s", file, findings.items[0].text);
    }
    findings_free(&findings);
    return policy;
}

/* Waits until there is room again. */
static void take(struct journal_writer *w, struct slice line)
{
    struct journal_writer_state state;

    do {
        journal_writer_state(w, &state);
        if (state.trouble[0] != '\0') {
            fatal("%s", state.trouble);
        }
        if (state.waiting > JOURNAL_WRITER_ROOM / 2) {
            struct timespec moment = {.tv_nsec = 1000000};
            (void)nanosleep(&moment, NULL);
        }
    } while (state.waiting > JOURNAL_WRITER_ROOM / 2);
    if (!journal_writer_take(w, line)) {
        fatal("there was no room for a line");
    }
}

static void write_all(const struct policy *policy, const char *path)
{
    const struct journal_writer_setup setup = {.path = path, .run = 1};
    struct journal_writer *w = NULL;
    struct journal_writer_state state;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    uint64_t lines = 0;

    if (journal_writer_start(&setup, &w) < 0) {
        fatal("the writer does not start");
    }
    journal_writer_compiled(w, policy);
    while ((n = getline(&line, &room, stdin)) > 0) {
        take(w, (struct slice){line, (size_t)n});
        lines++;
    }
    free(line);
    do {
        struct timespec moment = {.tv_nsec = 1000000};
        (void)nanosleep(&moment, NULL);
        journal_writer_state(w, &state);
    } while (state.waiting > 0 && state.trouble[0] == '\0');
    if (journal_writer_end(w, PATIENCE) > 0 || state.refused > 0) {
        fatal("%llu of %llu lines were refused", (unsigned long long)state.refused,
              (unsigned long long)lines);
    }
}

int main(int argc, char **argv)
{
    struct conf *conf = NULL;

    if (argc != 2 && argc != 3) {
        fatal("usage: feed CONF [JOURNAL]");
    }
    struct policy *policy = load(argv[1], &conf);
    if (argc == 2) {
        printf("%s\n", policy->digest);
    } else {
        write_all(policy, argv[2]);
    }
    (void)policy_free(policy);
    (void)conf_free(conf);
    return 0;
}
