/* See cmd/journal_at.h. */
#include "cmd/journal_at.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

enum cmd_status journal_path(const char *file, char **ret)
{
    struct conf *conf = NULL;
    struct conf_error error;
    enum cmd_status status = CMD_DONE;

    if (conf_load(file, &conf, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return CMD_WRONG;
    }
    if (conf->journal != NULL) {
        *ret = xstrdup(conf->journal);
    } else {
        (void)fprintf(stderr, "gatepost: by %s no journal is kept (`journal off`)\n", file);
        status = CMD_WRONG;
    }
    (void)conf_free(conf);
    return status;
}

enum cmd_status journal_at(const char *given, const char *file, struct journal **ret)
{
    char why[JOURNAL_WHY];
    char *path = NULL;
    enum cmd_status status = CMD_DONE;

    if (given != NULL) {
        path = xstrdup(given);
    } else {
        status = journal_path(file, &path);
    }
    if (status == CMD_DONE && journal_open(path, ret, why) < 0) {
        (void)fprintf(stderr, "gatepost: %s\n", why);
        status = CMD_WRONG;
    }
    free(path);
    return status;
}

enum cmd_status journal_failed(const struct journal *j)
{
    (void)fprintf(stderr, "gatepost: %s\n", journal_why(j));
    return CMD_WRONG;
}
