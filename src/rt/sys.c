/* System calls for files, with the place where the simulated world makes them fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rt/sys.h"

int (*sys_fault)(enum sys_op op);

static int fault(enum sys_op op)
{
    return sys_fault != NULL ? sys_fault(op) : 0;
}

static int result(int r)
{
    return r < 0 ? -errno : r;
}

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
    int r = fault(SYS_OPEN);
    return r < 0 ? r : result(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

/* For file systems without O_TMPFILE: a name that lives for a moment. */
static int open_and_unlink(const char *dir)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/gatepost.XXXXXX", dir) >= (int)sizeof path) {
        return -ENAMETOOLONG;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    unlink(path);
    return fd;
}

int sys_open_unlinked(const char *dir)
{
    int r = sys_openat(AT_FDCWD, dir, O_TMPFILE | O_RDWR | O_EXCL, 0600);
    return r == -EOPNOTSUPP || r == -EISDIR ? open_and_unlink(dir) : r;
}

int sys_pwrite_all(int fd, const void *p, size_t n, off_t at)
{
    int r = fault(SYS_WRITE);
    while (r == 0 && n > 0) {
        ssize_t done = pwrite(fd, p, n, at);
        if (done < 0 && errno != EINTR) {
            r = -errno;
        } else if (done > 0) {
            p = (const char *)p + done;
            at += done;
            n -= (size_t)done;
        }
    }
    return r;
}

int sys_writev_all(int fd, struct iovec *iov, int count)
{
    int r = fault(SYS_WRITE);
    while (r == 0 && count > 0) {
        ssize_t done = writev(fd, iov, count);
        if (done < 0 && errno != EINTR) {
            return -errno;
        }
        size_t n = done > 0 ? (size_t)done : 0;
        while (count > 0 && n >= iov->iov_len) {
            n -= iov->iov_len;
            iov++;
            count--;
        }
        if (count > 0) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= n;
        }
    }
    return r;
}

int sys_pread_all(int fd, void *ret, size_t n, off_t at)
{
    int r = fault(SYS_READ);
    while (r == 0 && n > 0) {
        ssize_t done = pread(fd, ret, n, at);
        if (done == 0) {
            return -EIO; /* shorter than what was written: somebody truncated it */
        }
        if (done < 0 && errno != EINTR) {
            r = -errno;
        } else if (done > 0) {
            ret = (char *)ret + done;
            at += done;
            n -= (size_t)done;
        }
    }
    return r;
}

int sys_fsync(int fd)
{
    int r = fault(SYS_FSYNC);
    return r < 0 ? r : result(fsync(fd));
}

int sys_rename(const char *from, const char *to)
{
    int r = fault(SYS_RENAME);
    return r < 0 ? r : result(rename(from, to));
}

int sys_mkdir(const char *path, mode_t mode)
{
    int r = fault(SYS_MKDIR);
    return r < 0 ? r : result(mkdir(path, mode));
}

int sys_is_directory(const char *path)
{
    int r = fault(SYS_STAT);
    if (r < 0) {
        return r;
    }
    struct stat st;
    if (stat(path, &st) != 0) {
        return -errno;
    }
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int sys_open_directory(const char *path)
{
    return sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
}

int sys_unlink(const char *path)
{
    int r = fault(SYS_UNLINK);
    return r < 0 ? r : result(unlink(path));
}
