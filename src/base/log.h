/* One line to stderr for the operator. Only src/proc and src/cmd call this: library code returns
 * errors instead. Octets that a terminal would interpret are replaced. */
#pragma once

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Named in each line: "gatepost[PID] worker 1: …". Not copied; "" at start. */
void log_set_role(const char *role);
