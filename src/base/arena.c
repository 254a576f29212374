/* Arenas: bump allocation in blocks that double in size. A block is only ever the newest one or
 * full, so that allocating is a comparison and an addition. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

/* Under AddressSanitizer the unused part of a block is poisoned, so that memory used after a
 * reset is reported although the block lives on. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* Sizes as passed to malloc. Larger requests than a block of the largest size get one of their
 * own, which is not kept by arena_reset. */
#define BLOCK_FIRST   ((size_t)512)
#define BLOCK_LARGEST ((size_t)65536)

struct arena_block {
    _Alignas(max_align_t) struct arena_block *older;
    size_t capacity;
    _Alignas(max_align_t) char octets[];
};

#define BLOCK_HEAD (sizeof(struct arena_block))

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

static size_t round_up(size_t n)
{
    const size_t mask = _Alignof(max_align_t) - 1;

    if (n > SIZE_MAX - BLOCK_HEAD - mask) {
        fatal("out of memory: %zu octets asked for", n);
    }
    return (n + mask) & ~mask;
}

static struct arena_block *block_new(size_t capacity)
{
    struct arena_block *block = xmalloc(BLOCK_HEAD + capacity);

    block->capacity = capacity;
    return block;
}

/* An oversized request goes behind the newest block, whose free room stays in use. */
static void *alloc_apart(struct arena *a, size_t n)
{
    struct arena_block *block = block_new(n);

    if (a->block == NULL) {
        block->older = NULL;
        a->block = block;
    } else {
        block->older = a->block->older;
        a->block->older = block;
    }
    return block->octets;
}

static void *alloc_slow(struct arena *a, size_t n)
{
    size_t whole = BLOCK_FIRST;

    if (n > (BLOCK_LARGEST - BLOCK_HEAD) / 4) {
        return alloc_apart(a, n);
    }
    if (a->block != NULL && a->next != NULL) {
        whole = (a->block->capacity + BLOCK_HEAD) * 2;
    }
    while (whole < n + BLOCK_HEAD) {
        whole *= 2;
    }
    if (whole > BLOCK_LARGEST) {
        whole = BLOCK_LARGEST;
    }
    struct arena_block *block = block_new(whole - BLOCK_HEAD);
    block->older = a->block;
    a->block = block;
    a->next = block->octets + n;
    a->end = block->octets + block->capacity;
    ASAN_POISON_MEMORY_REGION(a->next, (size_t)(a->end - a->next));
    return block->octets;
}

void *arena_alloc(struct arena *a, size_t n)
{
    n = round_up(n > 0 ? n : 1);
    if ((size_t)(a->end - a->next) < n) {
        return alloc_slow(a, n);
    }
    char *p = a->next;
    a->next += n;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    char *p = arena_alloc(a, s.n + 1);

    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    p[s.n] = '\0';
    return (struct slice){p, s.n};
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n < 0) {
        panic("arena_printf: bad format");
    }
    if ((size_t)n < sizeof(text)) {
        return arena_copy(a, (struct slice){text, (size_t)n});
    }
    char *p = arena_alloc(a, (size_t)n + 1);
    va_start(ap, format);
    (void)vsnprintf(p, (size_t)n + 1, format, ap);
    va_end(ap);
    return (struct slice){p, (size_t)n};
}

static void block_free(struct arena_block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->octets, block->capacity);
    free(block);
}

static void blocks_free(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *older = block->older;
        block_free(block);
        block = older;
    }
}

void arena_reset(struct arena *a)
{
    struct arena_block *newest = a->block;

    /* Without a.next the only blocks are oversized ones. */
    if (newest == NULL || a->next == NULL) {
        arena_free(a);
        return;
    }
    blocks_free(newest->older);
    newest->older = NULL;
    a->next = newest->octets;
    a->end = newest->octets + newest->capacity;
    ASAN_POISON_MEMORY_REGION(newest->octets, newest->capacity);
}

void arena_free(struct arena *a)
{
    blocks_free(a->block);
    arena_init(a);
}
