/* gatepost replay: what would another policy have done to the mail that is on record? Changes
 * nothing, waits for nobody and asks nobody. */
#include <stdio.h>

#include "cmd/other_policy.h"
#include "cmd/period.h"
#include "cmd/replay_report.h"

struct words {
    const char *policy; /* NULL: not given */
    struct period_words period;
};

enum { POLICY, SINCE, UNTIL, JOURNAL };

static const struct cmd_own_option options[] = {
    [POLICY] = {"policy", true},
    [SINCE] = {"since", true},
    [UNTIL] = {"until", true},
    [JOURNAL] = {"journal", true},
    {NULL, false},
};

static bool take(void *arg, size_t option, const char *value)
{
    struct words *w = arg;
    const char **const to[] = {[POLICY] = &w->policy,
                               [SINCE] = &w->period.since,
                               [UNTIL] = &w->period.until,
                               [JOURNAL] = &w->period.journal};

    *to[option] = value;
    return true;
}

/* ---- what is to be done ---- */

/* What is tried, on what. */
struct trial {
    struct other_policy other;
    struct conf *conf; /* the configuration on the line, or that which names the journal; or NULL */
    struct period period;
};

static bool load_conf(const char *file, struct conf **ret)
{
    struct conf_error error;

    if (conf_load(file, ret, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return false;
    }
    return true;
}

/* The journal is that of the line, or of the configuration. */
static bool find_journal(const struct cmd_line *line, const struct words *w, struct trial *t)
{
    if ((line->options & CMD_FILE) == 0 && w->period.journal != NULL) {
        t->period.path = w->period.journal;
        return true;
    }
    return load_conf(line->file, &t->conf) &&
           period_find_journal(&w->period, t->conf, line->file, &t->period);
}

static void trial_free(struct trial *t)
{
    other_policy_free(&t->other);
    (void)conf_free(t->conf);
}

/* Whose hostname and routes count: those named on the line, then the file's that is tried. */
static const struct conf *conf_of(const struct trial *t, const struct cmd_line *line)
{
    if ((line->options & CMD_FILE) != 0 || !t->other.whole) {
        return t->conf;
    }
    return t->other.conf;
}

static enum cmd_status replay(const struct trial *t, const struct cmd_line *line)
{
    const struct replay_range range = {.policy = t->other.policy,
                                       .conf = conf_of(t, line),
                                       .json = (line->options & CMD_JSON) != 0};
    struct replay_tally tally;
    enum cmd_status status = CMD_WRONG;

    replay_tally_init(&tally);
    if (period_judge(&t->period, &range, true, &tally)) {
        (range.json ? replay_report_json : replay_report)(&tally, t->other.policy, stdout);
        status = cmd_printed() != CMD_DONE ? CMD_WRONG : tally.changed > 0 ? CMD_NO : CMD_DONE;
    }
    replay_tally_free(&tally);
    return status;
}

enum cmd_status cmd_replay(const struct command *c, int argc, char **argv)
{
    struct words w = {0};
    struct trial t = {0};
    struct cmd_line line;
    enum cmd_status status;

    if (!cmd_take_own_line(c, argc, argv, options, take, &w, &line, &status)) {
        return status;
    }
    if (w.policy == NULL) {
        return cmd_wrong(c, "there must be", "--policy NEW");
    }
    cmd_end_with_reader();
    if (!period_take(c, &w.period, &t.period)) {
        return CMD_WRONG;
    }
    status = CMD_WRONG;
    if (other_policy_load(w.policy, &t.other) == 0 && find_journal(&line, &w, &t)) {
        status = replay(&t, &line);
    }
    trial_free(&t);
    return status;
}
