/* gatepost reload and gatepost upgrade: a running Gatepost goes over to its changed configuration,
 * or to another program. */
#include <stdio.h>

#include "cmd/control.h"

static enum cmd_status give_order(const struct command *c, int argc, char **argv,
                                  enum control_verb verb)
{
    struct cmd_line line;
    enum cmd_status status;
    json_t *reply = NULL;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    status = control_ask(line.file, verb, &reply);
    if (status != CMD_DONE) {
        return status;
    }
    const char *text = json_string_value(json_object_get(reply, "text"));
    status = (enum cmd_status)json_integer_value(json_object_get(reply, "status"));
    (void)fprintf(status == CMD_DONE ? stdout : stderr, "%s", text != NULL ? text : "");
    json_decref(reply);
    return status == CMD_DONE ? cmd_printed() : status;
}

enum cmd_status cmd_reload(const struct command *c, int argc, char **argv)
{
    return give_order(c, argc, argv, CONTROL_RELOAD);
}

enum cmd_status cmd_upgrade(const struct command *c, int argc, char **argv)
{
    return give_order(c, argc, argv, CONTROL_UPGRADE);
}
