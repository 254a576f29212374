/* See parse/control_request.h. */
#include "parse/control_request.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Brackets that may open in a line: jansson goes one call deeper for each, on a small stack. */
#define BRACKETS_MOST 8

static const char *const verb_names[CONTROL_VERBS] = {
    [CONTROL_STATUS] = "status",
    [CONTROL_RELOAD] = "reload",
    [CONTROL_UPGRADE] = "upgrade",
};

const char *control_verb_name(enum control_verb verb)
{
    return verb_names[verb];
}

static bool is_flat(struct slice line)
{
    size_t opened = 0;

    for (size_t i = 0; i < line.n; i++) {
        opened += line.p[i] == '{' || line.p[i] == '[';
    }
    return opened <= BRACKETS_MOST;
}

static int take_verb(const json_t *value, struct control_request *ret, char *why, size_t why_size)
{
    const char *name = json_string_value(value);

    for (size_t i = 0; name != NULL && i < CONTROL_VERBS; i++) {
        if (strcmp(name, verb_names[i]) == 0) {
            ret->verb = (enum control_verb)i;
            return 0;
        }
    }
    (void)snprintf(why, why_size, "\"do\" is none of \"status\", \"reload\" and \"upgrade\"");
    return -EINVAL;
}

static int take_members(json_t *object, struct control_request *ret, char *why, size_t why_size)
{
    const json_t *verb = json_object_get(object, "do");

    if (verb == NULL) {
        (void)snprintf(why, why_size, "there is no member \"do\" in an object");
        return -EINVAL;
    }
    if (json_object_size(object) != 1) {
        (void)snprintf(why, why_size, "there is a member besides \"do\"");
        return -EINVAL;
    }
    return take_verb(verb, ret, why, why_size);
}

int control_request_parse(struct slice line, struct control_request *ret, char *ret_why,
                          size_t why_size)
{
    struct control_request request = {0};
    json_error_t error;

    if (!is_flat(line)) {
        (void)snprintf(ret_why, why_size, "not a request: nested too deeply");
        return -EINVAL;
    }
    json_t *object = json_loadb(line.n > 0 ? line.p : "", line.n, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        (void)snprintf(ret_why, why_size, "not JSON: wrong at octet %d", error.position);
        return -EINVAL;
    }
    int r = take_members(object, &request, ret_why, why_size);
    json_decref(object);
    if (r == 0) {
        *ret = request;
    }
    return r;
}
