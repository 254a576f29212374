/* A spool's octets as one file. What is in memory alone goes into a file of memory (memfd). Of a
 * message with a file the file has a hole where its beginning belongs, which is filled now, and
 * what the last block still holds goes to its end: nothing that is there already is copied. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "message/spool_impl.h"
#include "rt/sys.h"

/* Copying so many octets within memory takes less time than waking a thread for it. */
#define COPY_AT_ONCE ((uint64_t)262144)

/* Writes the blocks where their octets belong. */
static int write_blocks(struct spool *s, int fd)
{
    uint64_t at = 0;

    list_for_each (it, &s->blocks) {
        const struct block *b = block_of(it);
        if (s->fd >= 0 && at == s->in_memory) {
            at += s->in_file; /* the last one's are behind the file's */
        }
        int r = sys_pwrite_all(fd, b->octets, b->head.n, (off_t)at);
        if (r < 0) {
            return r;
        }
        at += b->head.n;
    }
    return 0;
}

static int make_whole(void *arg)
{
    struct spool *s = arg;
    int fd = s->fd >= 0 ? s->fd : memfd_create("gatepost-message", MFD_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    int r = write_blocks(s, fd);
    if (r == 0) {
        s->whole_fd = fd;
    } else if (s->fd < 0) {
        close(fd);
    }
    return r;
}

int spool_whole(struct spool *s, int *ret_fd)
{
    int r = once_begin(&s->whole_once);

    if (r == 0) {
        bool here = s->fd < 0 && s->size <= COPY_AT_ONCE;
        s->whole_error = here ? make_whole(s) : rt_call(RT_CALL_FILE, make_whole, s);
        once_end(&s->whole_once, s->whole_error != -ECANCELED);
    } else if (r < 0) {
        return r;
    }
    if (s->whole_error == 0) {
        *ret_fd = s->whole_fd;
    }
    return s->whole_error;
}
