/* Asking a running Gatepost over its control socket. */
#pragma once

#include <jansson.h>

#include "cmd/cmd.h"
#include "parse/control_request.h"

/* Asks and waits for the reply, a minute and a half at most. CMD_DONE and *ret, which the caller
 * frees; CMD_NO when nobody answers, or the answer is an error, which standard error tells;
 * CMD_WRONG when the configuration that names the socket cannot be read. */
enum cmd_status control_ask(const char *file, enum control_verb verb, json_t **ret);
