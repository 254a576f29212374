/* See proc/shared.h. */
#include "proc/shared.h"

#include <errno.h>
#include <sys/mman.h>

/* Recipients in doubt at a time, and different clients connected at a time. */
#define MARKS_MOST   65536
#define CLIENTS_MOST 65536

static void *map(size_t n)
{
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

int shared_map(struct shared *ret)
{
    void *marks = map(marks_memory(MARKS_MOST));
    void *presence = map(presence_memory(CLIENTS_MOST));

    if (marks == NULL || presence == NULL) {
        int r = -errno;
        if (marks != NULL) {
            munmap(marks, marks_memory(MARKS_MOST));
        }
        return r;
    }
    ret->marks = marks_init(marks, MARKS_MOST);
    ret->presence = presence_init(presence, CLIENTS_MOST);
    return 0;
}

struct owner shared_new_owner(const struct shared *s, uint16_t slot)
{
    struct owner who = marks_new_epoch(s->marks, slot);

    presence_new_epoch(s->presence, who);
    return who;
}

void shared_unmap(struct shared *s)
{
    marks_fini(s->marks);
    presence_fini(s->presence);
    munmap(s->marks, marks_memory(MARKS_MOST));
    munmap(s->presence, presence_memory(CLIENTS_MOST));
}
