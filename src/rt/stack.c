/* Stacks for coroutines: mapped with a guard page, reused last in first out, the pages of all but
 * some given back while they lie idle. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/sanitizer.h"
#include "rt/rt_impl.h"

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
/* Instrumented frames are several times larger. */
#define STACK_SIZE ((size_t)256 * 1024)
#else
#define STACK_SIZE ((size_t)64 * 1024)
#endif

/* Kept with their pages, for the next task; and kept at all. */
#define KEEP_WARM  64
#define KEEP_COLD  1024
#define GUARD_SIZE ((size_t)4096)

static struct stack *stack_map(struct rt_stats *stats)
{
    size_t whole = STACK_SIZE + GUARD_SIZE;
    char *p = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(p, GUARD_SIZE, PROT_NONE) != 0) {
        munmap(p, whole);
        return NULL;
    }
    struct stack *s = (struct stack *)(void *)(p + whole - sizeof(*s));
    list_init(&s->link);
    s->base = p + GUARD_SIZE;
    s->size = STACK_SIZE - sizeof(*s);
    stats->stacks++;
    return s;
}

static void stack_unmap(struct stack *s, struct rt_stats *stats)
{
    munmap(s->base - GUARD_SIZE, STACK_SIZE + GUARD_SIZE);
    stats->stacks--;
}

struct stack *stack_get(struct stack_pool *p, struct rt_stats *stats)
{
    struct list *link = list_pop_front(&p->kept);
    if (link == NULL) {
        return stack_map(stats);
    }
    p->kept_count--;
    p->warm_count -= p->warm_count > 0;
    return list_entry(link, struct stack, link);
}

void stack_put(struct stack_pool *p, struct stack *s, struct rt_stats *stats)
{
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(s->base, s->size);
#endif
    if (p->kept_count >= KEEP_COLD) {
        stack_unmap(s, stats);
        return;
    }
    if (p->warm_count < KEEP_WARM) {
        list_push_front(&p->kept, &s->link);
        p->warm_count++;
    } else { /* behind the warm ones: however many are kept, those are used */
        stack_trim(s, s->base + s->size);
        list_push_back(&p->kept, &s->link);
    }
    p->kept_count++;
}

void stack_pool_free(struct stack_pool *p, struct rt_stats *stats)
{
    struct list *link;
    while ((link = list_pop_front(&p->kept)) != NULL) {
        stack_unmap(list_entry(link, struct stack, link), stats);
    }
    p->kept_count = p->warm_count = 0;
}

void stack_trim(struct stack *s, const void *sp)
{
    uintptr_t low = (uintptr_t)s->base;
    uintptr_t high = (uintptr_t)sp & ~(uintptr_t)4095;
    if (high > low) {
        madvise(s->base, high - low, MADV_DONTNEED);
    }
}
