/* See period.h. */
#include "cmd/period.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "cmd/spread.h"
#include "cmd/when.h"

static bool take_time(const struct command *c, const char *text, const char *wants, usec_t *ret)
{
    if (text == NULL || when_parse(slice_of(text), clock_wall(), ret)) {
        return true;
    }
    (void)cmd_wrong(c, wants, text);
    return false;
}

bool period_take(const struct command *c, const struct period_words *w, struct period *ret)
{
    if (!take_time(c, w->since, "--since wants a time such as 7d or 2026-11-22, not",
                   &ret->since) ||
        !take_time(c, w->until, "--until wants a time such as 7d or 2026-11-22, not",
                   &ret->until)) {
        return false;
    }
    if (!when_is_period(ret->since, ret->until)) {
        (void)cmd_wrong(c, "--until must be later than --since, not", w->until);
        return false;
    }
    return true;
}

bool period_find_journal(const struct period_words *w, const struct conf *conf, const char *file,
                         struct period *p)
{
    p->path = w->journal != NULL ? w->journal : conf->journal;
    if (p->path == NULL) {
        (void)fprintf(stderr, "%s: this configuration keeps no journal\n", file);
    }
    return p->path != NULL;
}

struct judging {
    const struct period *period;
    const struct replay_range *range;
    bool lines;
    int64_t first_n;
    int64_t last_n;
    unsigned parts;
    struct replay_tally *tally;
    FILE **events; /* of each part; NULL: none are wanted */
};

/* The last n of a part. */
static int64_t end_of(const struct judging *j, unsigned part)
{
    const int64_t count = j->last_n - j->first_n + 1;

    return j->first_n + count / j->parts * (part + 1) + count % j->parts * (part + 1) / j->parts -
           1;
}

static bool work(void *arg, unsigned part, FILE *lines, FILE *sum)
{
    const struct judging *j = arg;
    struct replay_range range = *j->range;
    struct replay_tally tally;
    struct buf text = {0};
    struct emit e = {.b = &text};
    char why[JOURNAL_WHY];

    range.path = j->period->path;
    range.first_n = part > 0 ? end_of(j, part - 1) + 1 : j->first_n;
    range.last_n = end_of(j, part);
    range.since = j->period->since;
    range.until = j->period->until;
    range.changes = j->lines ? lines : NULL;
    range.events = j->events != NULL ? j->events[part] : NULL;
    replay_tally_init(&tally);
    bool good = replay_range_judge(&range, &tally, why) == 0;
    if (good && range.events != NULL && (fflush(range.events) != 0 || ferror(range.events) != 0)) {
        (void)snprintf(why, sizeof(why), "cannot write a temporary file: %s", strerror(errno));
        good = false;
    }
    if (good) {
        emit_object(&e, NULL);
        replay_tally_write(&tally, &e);
        emit_object_end(&e);
        (void)fwrite(text.p, 1, text.n, sum);
    } else {
        (void)fprintf(stderr, "gatepost: %s\n", why);
    }
    buf_free(&text);
    replay_tally_free(&tally);
    return good;
}

static bool add(void *arg, struct slice sum)
{
    const struct judging *j = arg;
    json_t *object = json_loadb(sum.p, sum.n, JSON_ALLOW_NUL, NULL);
    const bool good = replay_tally_add(j->tally, object) == 0;

    json_decref(object);
    if (!good) {
        (void)fprintf(stderr, "gatepost: a part of it came to nothing\n");
    }
    return good;
}

/* The bounds are read here, and the journal closed again: it must not be open across a fork. */
static bool find_bounds(struct judging *j, int64_t *ret_count)
{
    struct journal *journal = NULL;
    char why[JOURNAL_WHY];
    int r = journal_open(j->period->path, &journal, why);

    if (r == 0) {
        r = journal_bounds(journal, j->period->since, &j->first_n, &j->last_n, ret_count);
        if (r < 0) {
            (void)snprintf(why, sizeof(why), "%s", journal_why(journal));
        }
    }
    (void)journal_close(journal);
    if (r < 0) {
        (void)fprintf(stderr, "gatepost: %s\n", why);
    }
    return r == 0;
}

/* All of it, in parts. */
static bool judge(struct judging *j)
{
    struct spread s = {.work = work, .add = add, .arg = j, .parts = j->parts};

    return spread_run(&s, stdout);
}

bool period_judge(const struct period *p, const struct replay_range *range, bool lines,
                  struct replay_tally *ret)
{
    struct judging j = {.period = p, .range = range, .lines = lines, .tally = ret};
    int64_t count = 0;

    if (!find_bounds(&j, &count)) {
        return false;
    }
    j.parts = spread_parts((uint64_t)count);
    return count == 0 || judge(&j);
}

/* ---- rules ---- */

/* The files are made before the processes are, which share them. */
static bool open_events(FILE **files, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        files[i] = tmpfile();
        if (files[i] == NULL) {
            (void)fprintf(stderr, "gatepost: cannot make a temporary file: %s\n", strerror(errno));
            return false;
        }
    }
    return true;
}

static bool make_history(const struct judging *j, usec_t window, struct rule_history *ret)
{
    const int r =
        rule_history_make(j->events, j->parts, j->tally, window, &rule_history_standard, ret);

    if (r < 0) {
        (void)fprintf(stderr, "gatepost: cannot read a temporary file: %s\n", strerror(-r));
    }
    return r == 0;
}

bool period_rules(const struct period *p, const struct replay_range *range, usec_t window,
                  struct replay_tally *ret, struct rule_history *ret_history)
{
    uint8_t secret[SIPHASH_SECRET];
    struct replay_range hashed = *range;
    struct judging j = {.period = p, .range = &hashed, .tally = ret};
    int64_t count = 0;

    if (!find_bounds(&j, &count)) {
        return false;
    }
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        fatal("no random numbers");
    }
    hashed.secret = secret;
    j.parts = count > 0 ? spread_parts((uint64_t)count) : 0;
    j.events = xcalloc(j.parts + 1, sizeof(*j.events));
    const bool good = open_events(j.events, j.parts) && (count == 0 || judge(&j)) &&
                      make_history(&j, window, ret_history);
    for (unsigned i = 0; i < j.parts; i++) {
        if (j.events[i] != NULL) {
            (void)fclose(j.events[i]);
        }
    }
    free(j.events);
    return good;
}
