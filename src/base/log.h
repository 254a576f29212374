/* One line for the operator: to standard error, or to systemd's journal with fields of its own.
 * Only src/proc and src/cmd call this: library code returns errors instead. Octets that a terminal
 * would interpret are replaced. Never waits: a line that nobody takes is lost, and counted in the
 * next. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

enum log_target {
    LOG_TO_STDERR,
    LOG_TO_JOURNALD, /* to standard error whenever the journal's socket is not there */
};

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Named in each line: "gatepost[PID] worker 1: …". Not copied; "" at start, which is the master. */
void log_set_role(const char *role);

/* Where lines go from now on; to standard error at the start. The journal's socket is opened here,
 * before privileges are given up. */
void log_set_target(enum log_target target);

/* For a process that has just closed all descriptors it was born with: opens the journal's socket
 * anew where lines go there, as log_set_target did. */
void log_reopen(void);

/* Is standard error a stream that systemd has connected to the journal (JOURNAL_STREAM)? What is
 * written to it then begins with its priority. */
bool log_stderr_is_journal(void);

/* What whoever started us waits for: as log_line, a notice; but where lines go to standard error as
 * people read them, "gatepost: …" without the process's number. */
void log_announce(const char *text);
