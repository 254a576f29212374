/* The operator's log: one write per line, so that lines of several processes never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"

/* A process has one role for its whole life; passing it to every place that logs would say
 * nothing. */
static const char *process_role = "";

void log_set_role(const char *role)
{
    process_role = role;
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

void log_line(enum log_level level, const char *format, ...)
{
    char line[2048];
    const size_t room = sizeof(line) - 1; /* for the final line feed */
    va_list ap;

    int head = snprintf(line, room, "gatepost[%d]%s%s: %s", (int)getpid(),
                        process_role[0] != '\0' ? " " : "", process_role, level_word(level));
    size_t used = head > 0 ? (size_t)head : 0;
    used = used < room ? used : room - 1;
    va_start(ap, format);
    int body = vsnprintf(line + used, room - used, format, ap);
    va_end(ap);
    used += body > 0 ? (size_t)body : 0;
    used = used < room ? used : room - 1;
    text_clean(line, used);
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0) {
        /* A log that cannot be written must not stop the mail. */
        return;
    }
}
