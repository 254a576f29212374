/* The spool: see message/spool.h. Blocks in front of the file's part stay in memory, and the file
 * has a hole there (spool_whole.c fills it): each octet has in the file the place that it has in
 * the message. Once there is a file the last block of the list is the tail, which collects what is
 * to be written next and holds the message's end, so that nothing is written in small pieces. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fatal.h"
#include "message/spool_impl.h"
#include "rt/sys.h"

#define FILE_BUFFER ((size_t)65536)

_Static_assert(sizeof(struct block) == SPOOL_BLOCK, "the budget counts whole blocks");

/* ---- blocks ---- */

static void block_put(struct budget *b, struct block *block)
{
    block_pool_put(&b->blocks, block);
    budget_give(b, SPOOL_BLOCK);
}

/* The block's memory is in the budget already. */
static void add_block(struct spool *s)
{
    struct block *block = block_pool_get(&s->config->budget->blocks);
    block->head.n = 0;
    list_push_back(&s->blocks, &block->head.link);
}

/* ---- the file ---- */

struct file_write {
    const char *folder; /* where the file is to be made; NULL when there is one */
    int fd;
    const struct block *block;
    off_t at;
};

static int write_block(void *arg)
{
    struct file_write *w = arg;
    if (w->fd < 0) {
        w->fd = sys_open_unlinked(w->folder);
        if (w->fd < 0) {
            return w->fd;
        }
    }
    return sys_pwrite_all(w->fd, w->block->octets, w->block->head.n, w->at);
}

/* Writes the last block to the file's end and empties it. */
static int flush_tail(struct spool *s)
{
    struct block *tail = block_of(s->blocks.prev);
    struct file_write w = {.folder = s->config->folder,
                           .fd = s->fd,
                           .block = tail,
                           .at = (off_t)(s->in_memory + s->in_file)};
    int rc = rt_call(RT_CALL_FILE, write_block, &w);
    s->fd = w.fd;
    if (rc < 0) {
        return rc;
    }
    s->in_file += tail->head.n;
    tail->head.n = 0;
    return 0;
}

/* Freeing a large file takes the kernel a while, in which the loop has other things to do. */
struct file_close {
    int fd; /* -1 once closed */
};

static int close_file(void *arg)
{
    struct file_close *c = arg;
    int rc = close(c->fd) < 0 ? -errno : 0;
    c->fd = -1;
    return rc;
}

static void file_closed(void *arg, int result)
{
    struct file_close *c = arg;
    (void)result; /* the file had no name and nobody will read it */
    if (c->fd >= 0) {
        close_file(c); /* the thread could not */
    }
    free(c);
}

/* ---- appending ---- */

/* May the message, all of whose blocks are full and in memory, have another one there? */
static bool memory_left(const struct spool *s)
{
    return (s->in_memory / BLOCK_ROOM + 1) * SPOOL_BLOCK <= s->config->memory_each;
}

/* Room behind a full last block: another block, or that one again. */
static int make_room(struct spool *s, usec_t deadline)
{
    struct budget *b = s->config->budget;
    if (list_empty(&s->blocks)) {
        int rc = budget_take(b, SPOOL_BLOCK, deadline);
        if (rc == 0) {
            add_block(s);
        }
        return rc;
    }
    if (s->fd >= 0) {
        return flush_tail(s);
    }
    if (memory_left(s) && budget_try(b, SPOOL_BLOCK)) {
        add_block(s);
        return 0;
    }
    s->in_memory -= block_of(s->blocks.prev)->head.n;
    return flush_tail(s);
}

int spool_append(struct spool *s, const void *p, size_t n, usec_t deadline)
{
    const char *from = p;
    while (n > 0) {
        if (list_empty(&s->blocks) || block_of(s->blocks.prev)->head.n == BLOCK_ROOM) {
            int rc = make_room(s, deadline);
            if (rc < 0) {
                return rc;
            }
        }
        struct block *last = block_of(s->blocks.prev);
        size_t part = BLOCK_ROOM - last->head.n;
        part = part < n ? part : n;
        memcpy(last->octets + last->head.n, from, part);
        last->head.n += part;
        s->size += part;
        s->in_memory += s->fd < 0 ? part : 0;
        from += part;
        n -= part;
    }
    return 0;
}

/* ---- reading ---- */

struct file_read {
    int fd;
    char *to;
    size_t n;
    off_t at;
};

static int read_part(void *arg)
{
    struct file_read *r = arg;
    return sys_pread_all(r->fd, r->to, r->n, r->at);
}

static int next_of_file(const struct spool *s, struct spool_cursor *cursor, struct slice *ret)
{
    uint64_t left = s->in_memory + s->in_file - cursor->at;
    if (cursor->file_buffer == NULL) {
        cursor->file_buffer = xmalloc(FILE_BUFFER);
    }
    struct file_read r = {.fd = s->fd,
                          .to = cursor->file_buffer,
                          .n = left < FILE_BUFFER ? (size_t)left : FILE_BUFFER,
                          .at = (off_t)cursor->at};
    int rc = rt_call(RT_CALL_FILE, read_part, &r);
    if (rc < 0) {
        return rc;
    }
    *ret = (struct slice){r.to, r.n};
    return 0;
}

int spool_next(const struct spool *s, struct spool_cursor *cursor, struct slice *ret)
{
    struct slice next = {NULL, 0};
    bool in_file = cursor->at >= s->in_memory && cursor->at - s->in_memory < s->in_file;
    if (in_file) {
        int rc = next_of_file(s, cursor, &next);
        if (rc < 0) {
            return rc;
        }
    } else {
        spool_cursor_end(s, cursor);
        if (cursor->at < s->size) {
            cursor->block = cursor->block == NULL ? s->blocks.next : cursor->block->next;
            const struct block *block = block_of(cursor->block);
            next = (struct slice){block->octets, block->head.n};
        }
    }
    cursor->at += next.n;
    *ret = next;
    return 0;
}

void spool_cursor_end(const struct spool *s, struct spool_cursor *cursor)
{
    (void)s;
    free(cursor->file_buffer);
    cursor->file_buffer = NULL;
}

/* ---- life ---- */

void spool_init(struct spool *s, const struct spool_config *config)
{
    *s = (struct spool){.config = config, .fd = -1, .whole_fd = -1};
    list_init(&s->blocks);
}

void spool_reset(struct spool *s)
{
    for (struct list *link = list_pop_front(&s->blocks); link != NULL;
         link = list_pop_front(&s->blocks)) {
        block_put(s->config->budget, block_of(link));
    }
    if (s->fd < 0 && s->whole_fd >= 0) {
        close(s->whole_fd);
    }
    if (s->fd >= 0) {
        struct file_close *c = xmalloc(sizeof(*c));
        c->fd = s->fd;
        rt_post(rt_self(), RT_CALL_FILE, close_file, file_closed, c);
    }
    spool_init(s, s->config);
}
