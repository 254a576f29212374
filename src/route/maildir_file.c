#include "route/maildir_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/sys.h"

/* 0, -ENOENT where there is no such folder, or why it cannot be reached. */
static int reach(const char *path)
{
    int fd = sys_open_directory(path);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    /* A path longer than the system's names can be nobody's mailbox either. */
    return fd == -ENOTDIR || fd == -ENAMETOOLONG ? -ENOENT : fd;
}

static int blame(struct maildir_search *s, const char *culprit, const char *hint, int error)
{
    s->culprit = culprit;
    s->hint = hint;
    return error;
}

/* A folder that may be seen, read even by its mode, and yet not opened, is none that Landlock was
 * told of. */
static bool is_new(const char *path)
{
    return reach(path) == -EACCES && access(path, R_OK) == 0;
}

static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int maildir_file_find(struct maildir_search *s)
{
    int rc = reach(s->exact);
    const char *folder = s->exact;
    if (rc == -ENOENT && s->lower != NULL) {
        rc = reach(s->lower);
        folder = s->lower;
    }
    if (rc == 0) {
        return folder == s->exact ? 0 : 1;
    }
    if (rc == -ENOENT) {
        int root = sys_is_directory(s->root);
        return root == 0 ? rc : blame(s, s->root, "", root == -ENOENT ? -ENODEV : root);
    }
    if (rc == -EACCES && is_new(s->root)) {
        return blame(s, s->root, " (made after the last reload)", rc);
    }
    bool leads_out = rc == -EACCES && is_link(folder);
    return blame(s, folder, leads_out ? " (a link that leads out of the route's folder)" : "", rc);
}

static int sync_folder(const char *path)
{
    int fd = sys_open_directory(path);
    if (fd < 0) {
        return fd;
    }
    int rc = sys_fsync(fd);
    close(fd);
    return rc;
}

/* Makes what is missing of tmp, new and cur, so that the rename later finds all it needs. */
static int make_folders(const char *folder)
{
    static const char *const parts[] = {"tmp", "new", "cur"};
    bool made = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", folder, parts[i]) >= (int)sizeof path) {
            return -ENAMETOOLONG;
        }
        int rc = sys_is_directory(path);
        if (rc == -ENOENT) {
            rc = sys_mkdir(path, 0700);
            made = made || rc == 0;
        }
        if (rc < 0 && rc != -EEXIST) {
            return rc;
        }
    }
    return made ? sync_folder(folder) : 0;
}

/* Appends the message's octets with LF for each CRLF. Messages with a bare CR do not come here:
 * each CR belongs to a line end, also where the spool cuts between the two. */
static void put_lines(struct maildir_file *f, struct slice s)
{
    while (s.n > 0) {
        const char *cr = memchr(s.p, '\r', s.n);
        size_t n = cr != NULL ? (size_t)(cr - s.p) : s.n;
        buf_append(&f->out, s.p, n);
        n += cr != NULL;
        s = (struct slice){s.p + n, s.n - n};
    }
}

/* Makes a folder within the mailbox's where it is missing, with the empty file by which servers
 * know such a folder (Maildir++). */
static int make_subfolder(const char *folder, const char *above)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/maildirfolder", folder) >= (int)sizeof path) {
        return -ENAMETOOLONG;
    }
    int rc = sys_is_directory(folder);
    if (rc != -ENOENT) {
        return rc;
    }
    rc = sys_mkdir(folder, 0700);
    if (rc < 0) {
        return rc == -EEXIST ? 0 : rc;
    }
    int fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) {
        return fd;
    }
    close(fd);
    return sync_folder(above);
}

static int create(struct maildir_file *f)
{
    int rc = f->above != NULL ? make_subfolder(f->folder, f->above) : 0;
    if (rc == 0) {
        rc = make_folders(f->folder);
    }
    if (rc < 0) {
        return rc;
    }
    f->fd = sys_openat(AT_FDCWD, f->tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (f->fd < 0) {
        rc = f->fd;
        f->fd = -1;
        return rc;
    }
    f->exists = true;
    buf_append(&f->out, "Return-Path: <", 14);
    buf_append_slice(&f->out, f->sender);
    buf_append(&f->out, ">\n", 2);
    put_lines(f, f->trace);
    return 0;
}

static int finish(struct maildir_file *f)
{
    int rc = sys_fsync(f->fd);
    /* What close has to say, fsync said before. */
    close(f->fd);
    f->fd = -1;
    return rc;
}

int maildir_file_write(struct maildir_file *f, struct slice piece, bool first, bool last,
                       bool ends_in_line)
{
    f->out.n = 0;
    int rc = first ? create(f) : 0;
    if (rc < 0) {
        return rc;
    }
    put_lines(f, piece);
    if (last && !ends_in_line) {
        buf_append(&f->out, "\n", 1);
    }
    struct iovec iov = {f->out.p, f->out.n};
    rc = sys_writev_all(f->fd, &iov, 1);
    return rc < 0 || !last ? rc : finish(f);
}

int maildir_file_publish(struct maildir_file *f, bool *ret_renamed)
{
    int rc = sys_rename(f->tmp, f->target);
    *ret_renamed = rc == 0;
    if (rc < 0) {
        return rc;
    }
    f->exists = false;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/new", f->folder) >= (int)sizeof path) {
        return -ENAMETOOLONG;
    }
    return sync_folder(path);
}

void maildir_file_discard(struct maildir_file *f)
{
    if (f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
    }
    if (f->exists) {
        (void)sys_unlink(f->tmp);
        f->exists = false;
    }
}
