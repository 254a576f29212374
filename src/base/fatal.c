/* Dying, and allocation that dies rather than fail. Nothing here allocates before it has written
 * its line: there may be no memory left. */
#include "base/fatal.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static void __attribute__((format(printf, 2, 0)))
last_words(const char *kind, const char *format, va_list ap)
{
    char line[1024];

    /* "critical", where systemd reads priorities. */
    const char *priority = log_stderr_is_journal() ? "<2>" : "";
    int head = snprintf(line, sizeof(line), "%sgatepost[%d]: %s: ", priority, (int)getpid(), kind);
    size_t used = (size_t)head;
    int n = vsnprintf(line + used, sizeof(line) - used - 1, format, ap);
    if (n > 0) {
        size_t room = sizeof(line) - used - 2;
        used += (size_t)n < room ? (size_t)n : room;
    }
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0) {
        /* There is nobody left to tell. */
        return;
    }
}

void fatal(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    last_words("fatal", format, ap);
    va_end(ap);
    /* Not exit(): this may run on a coroutine's stack, in a forked child, or with no memory. */
    _exit(EXIT_FAILURE);
}

void panic(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    last_words("panic", format, ap);
    va_end(ap);
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n > 0 ? n : 1);

    if (p == NULL) {
        fatal("out of memory: %zu octets asked for", n);
    }
    return p;
}

void *xcalloc(size_t count, size_t n)
{
    void *p = calloc(count > 0 ? count : 1, n > 0 ? n : 1);

    if (p == NULL) {
        fatal("out of memory: %zu times %zu octets asked for", count, n);
    }
    return p;
}

void *xrealloc(void *p, size_t n)
{
    void *moved = realloc(p, n > 0 ? n : 1);

    if (moved == NULL) {
        fatal("out of memory: %zu octets asked for", n);
    }
    return moved;
}

char *xstrdup(const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(xmalloc(n), text, n);
}
