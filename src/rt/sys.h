/* The system calls that files go through, so that the simulated world can make any of them fail.
 *
 * All block: call them inside rt_call only. They retry EINTR and short writes, and return 0 (or
 * what is said) or a negative errno. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum sys_op {
    SYS_OPEN,
    SYS_WRITE,
    SYS_READ,
    SYS_FSYNC,
    SYS_RENAME,
    SYS_MKDIR,
    SYS_STAT,
    SYS_UNLINK
};

/* Where set, asked before each call; a negative errno is returned in its stead. Tests only. */
extern int (*sys_fault)(enum sys_op op);

/* A descriptor (close-on-exec), or a negative errno. */
int sys_openat(int dirfd, const char *path, int flags, mode_t mode);

/* An unlinked file in `dir`, open for reading and writing. */
int sys_open_unlinked(const char *dir);

int sys_pwrite_all(int fd, const void *p, size_t n, off_t at);
int sys_writev_all(int fd, struct iovec *iov, int count);
int sys_pread_all(int fd, void *ret, size_t n, off_t at);
int sys_fsync(int fd);
int sys_rename(const char *from, const char *to);
int sys_mkdir(const char *path, mode_t mode);

/* 0 when `path` is a directory, -ENOENT, -ENOTDIR or another error. Landlock has no say in that,
 * but in opening it: -EACCES where nothing below can be reached either. */
int sys_is_directory(const char *path);
int sys_open_directory(const char *path);
int sys_unlink(const char *path);
