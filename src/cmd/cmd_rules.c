/* gatepost rules: what each rule has done in a while, by the journal. */
#include <stdio.h>

#include "cmd/other_policy.h"
#include "cmd/period.h"
#include "cmd/rules_report.h"
#include "conf/settings.h"

enum { SINCE, UNTIL, JOURNAL };

static const struct cmd_own_option options[] = {
    [SINCE] = {"since", true},
    [UNTIL] = {"until", true},
    [JOURNAL] = {"journal", true},
    {NULL, false},
};

static bool take(void *arg, size_t option, const char *value)
{
    struct period_words *w = arg;
    const char **const to[] = {[SINCE] = &w->since, [UNTIL] = &w->until, [JOURNAL] = &w->journal};

    *to[option] = value;
    return true;
}

/* Of a journal alone, without a configuration, what the standard is. */
static usec_t window_of(const struct conf *conf)
{
    return (conf != NULL ? &conf->limits : &settings_standard)->deferral_window;
}

static enum cmd_status report(const struct period *period, const struct other_policy *mine,
                              const struct cmd_line *line)
{
    const struct replay_range range = {
        .policy = mine->policy, .conf = mine->conf, .unique = mine->policy != NULL, .times = true};
    struct rule_history history = {0};
    struct replay_tally tally;
    enum cmd_status status = CMD_WRONG;

    replay_tally_init(&tally);
    if (period_rules(period, &range, window_of(mine->conf), &tally, &history) &&
        rules_report(&tally, &history, mine->policy, period->path,
                     (line->options & CMD_JSON) != 0)) {
        status = cmd_printed() == CMD_DONE ? CMD_DONE : CMD_WRONG;
    }
    rule_history_free(&history);
    replay_tally_free(&tally);
    return status;
}

enum cmd_status cmd_rules(const struct command *c, int argc, char **argv)
{
    struct period_words w = {0};
    struct period period = {0};
    struct other_policy mine = {0};
    struct cmd_line line;
    enum cmd_status status;

    if (!cmd_take_own_line(c, argc, argv, options, take, &w, &line, &status)) {
        return status;
    }
    cmd_end_with_reader();
    if (!period_take(c, &w, &period)) {
        return CMD_WRONG;
    }
    status = CMD_WRONG;
    if (w.journal != NULL && (line.options & CMD_FILE) == 0) {
        period.path = w.journal;
        status = report(&period, &mine, &line);
    } else if (other_policy_load(line.file, &mine) == 0 &&
               period_find_journal(&w, mine.conf, line.file, &period)) {
        status = report(&period, &mine, &line);
    }
    other_policy_free(&mine);
    return status;
}
