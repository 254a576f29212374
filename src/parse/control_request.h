/* What a control client asks, one line of JSON: {"do": "status"}. */
#pragma once

#include "base/slice.h"

/* Octets of a request with its line feed. */
#define CONTROL_REQUEST_MOST ((size_t)4096)

enum control_verb { CONTROL_STATUS, CONTROL_RELOAD, CONTROL_UPGRADE, CONTROL_VERBS };

struct control_request {
    enum control_verb verb;
};

/* Reads a line without its end. 0; or -EINVAL with a sentence in `ret_why`. Members that are not
 * known are refused: whoever sends one expects something of it. */
int control_request_parse(struct slice line, struct control_request *ret, char *ret_why,
                          size_t why_size);

/* "status" */
const char *control_verb_name(enum control_verb verb);
