/* See judge/mail_file.h. */
#include "judge/mail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is read at a time where the size is not known. */
#define PIECE ((size_t)65536)

static int read_all(int fd, size_t most, size_t expected, struct buf *to)
{
    while (to->n < most) {
        size_t room = to->n < expected ? expected - to->n + 1 : PIECE; /* + 1: to meet the end */
        room = room < most - to->n ? room : most - to->n;
        ssize_t n = read(fd, buf_reserve(to, room), room);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            return 0;
        }
        to->n += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int mail_file_read_fd(int fd, bool regular, size_t most, struct buf *to, uint64_t *ret_size)
{
    struct stat st;
    to->n = 0;
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (S_ISDIR(st.st_mode)) {
        return -EISDIR;
    }
    if (regular && !S_ISREG(st.st_mode)) {
        return -ENOTSUP;
    }
    size_t size = S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
    int r = read_all(fd, most, size < most ? size : most, to);
    /* Of a pipe nobody knows how much is left. */
    *ret_size = to->n < most ? to->n : size > most ? size : most + 1;
    return r;
}

int mail_file_read(int folder, const char *path, bool regular, size_t most, struct buf *to,
                   uint64_t *ret_size)
{
    int wait = regular ? O_NONBLOCK : 0; /* a pipe without a writer would be waited for */
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | wait);
    if (fd < 0) {
        return -errno;
    }
    int r = mail_file_read_fd(fd, regular, most, to, ret_size);
    close(fd);
    return r;
}
