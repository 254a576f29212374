/* The operator's log: one write per line, so that lines of several processes never mix. */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/journald.h"
#include "base/text.h"

#define LINE_MOST 2048

/* A process has one role and one log for its whole life; passing them to every place that logs
 * would say nothing. */
static const char *process_role = "";
static struct journald journal = {.fd = -1};
static unsigned lost;

void log_set_role(const char *role)
{
    process_role = role;
}

bool log_stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) < 0) {
        return false;
    }
    (void)snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    return strcmp(stream, own) == 0;
}

void log_set_target(enum log_target target)
{
    if (journal.fd >= 0) {
        journald_close(&journal);
    }
    if (target == LOG_TO_JOURNALD) {
        (void)journald_open(journald_path(), &journal);
    }
}

void log_reopen(void)
{
    if (journal.fd >= 0) {
        journal.fd = -1; /* another's number from now on */
        log_set_target(LOG_TO_JOURNALD);
    }
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "error: ";
    case LOG_WARNING: return "warning: ";
    case LOG_DEBUG: return "debug: ";
    case LOG_NOTICE: break;
    }
    return "";
}

/* As syslog(3) counts them. */
static int priority_of(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return 3;
    case LOG_WARNING: return 4;
    case LOG_DEBUG: return 7;
    case LOG_NOTICE: break;
    }
    return 5;
}

/* Another process may fill a pipe between the look and the writing; a line is far shorter than what
 * is then free at least. */
static bool write_stderr(const char *line, size_t n)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t r = send(STDERR_FILENO, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (r < 0 && errno == ENOTSOCK) {
        r = poll(&out, 1, 0) > 0 ? write(STDERR_FILENO, line, n) : -1;
    }
    return r >= 0;
}

static void tell_stderr(enum log_level level, const char *text)
{
    const char *role = process_role[0] != '\0' ? " " : "";
    char line[LINE_MOST + 200];
    char before[32] = "";
    int n;

    if (lost > 0) {
        (void)snprintf(before, sizeof(before), "(%u lines lost) ", lost);
    }
    if (log_stderr_is_journal()) {
        n = snprintf(line, sizeof(line), "<%d>%s%s%s%s\n", priority_of(level), process_role,
                     process_role[0] != '\0' ? ": " : "", before, text);
    } else {
        n = snprintf(line, sizeof(line), "gatepost[%d]%s%s: %s%s%s\n", (int)getpid(), role,
                     process_role, before, level_word(level), text);
    }
    /* A log that cannot be written must not stop the mail. */
    lost = n > 0 && write_stderr(line, (size_t)n) ? 0 : lost + 1;
}

static bool tell_journal(enum log_level level, const char *text)
{
    const char *role = process_role[0] != '\0' ? process_role : "master";
    char head[200], message[LINE_MOST + 100];

    int head_n =
        snprintf(head, sizeof(head), "PRIORITY=%d\nSYSLOG_IDENTIFIER=gatepost\nGATEPOST_ROLE=%s\n",
                 priority_of(level), role);
    int message_n = snprintf(message, sizeof(message), "MESSAGE=%s%s%s\n", process_role,
                             process_role[0] != '\0' ? ": " : "", text);
    const struct iovec fields[] = {{head, (size_t)head_n}, {message, (size_t)message_n}};
    return journal.fd >= 0 && journald_send(&journal, fields, 2) == 0;
}

void log_announce(const char *text)
{
    char line[LINE_MOST + 200];

    if (journal.fd >= 0 || log_stderr_is_journal()) {
        log_line(LOG_NOTICE, "%s", text);
        return;
    }
    int n = snprintf(line, sizeof(line), "gatepost: %.*s\n", LINE_MOST, text);
    lost += n <= 0 || !write_stderr(line, (size_t)n);
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[LINE_MOST];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    text_clean(text, strlen(text));
    if (!tell_journal(level, text)) {
        tell_stderr(level, text);
    }
}
