/* The two ways to die: `fatal` when the environment fails us (no memory, no descriptor table),
 * `panic` when our own code is wrong. Both write one line to stderr; panic aborts with a core. */
#pragma once

#include <stddef.h>

_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* malloc, calloc, realloc and strdup that never return NULL: running out is fatal. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *text);
