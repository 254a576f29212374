/* See proc/control_socket.h. */
#include "proc/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/environment.h"

#define BACKLOG 64

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return a;
}

/* Is somebody listening there? */
static bool is_answered(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* A full backlog is somebody, too. */
    bool answered = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
                                errno == EAGAIN || errno == EACCES);

    if (fd >= 0) {
        close(fd);
    }
    return answered;
}

/* What stands in the way: only a socket that nobody answers on is removed. */
static int clear_path(const struct sockaddr_un *a)
{
    struct stat st;

    if (lstat(a->sun_path, &st) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(st.st_mode)) {
        return -EEXIST;
    }
    if (is_answered(a)) {
        return -EADDRINUSE;
    }
    return unlink(a->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_and_listen(const struct sockaddr_un *a, int *ret)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    mode_t before = umask(0177);
    int r = bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;
    (void)umask(before);
    if (r == 0 && listen(fd, BACKLOG) < 0) {
        r = -errno;
        (void)unlink(a->sun_path);
    }
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret = fd;
    return 0;
}

static int open_at(const char *path, struct control_socket *ret)
{
    struct sockaddr_un a = address_of(path);
    struct stat st;
    int r = environment_make_parents(path);

    r = r < 0 ? r : clear_path(&a);
    r = r < 0 ? r : bind_and_listen(&a, &ret->fd);
    if (r == 0 && lstat(path, &st) == 0) {
        ret->device = st.st_dev;
        ret->inode = st.st_ino;
    }
    return r;
}

static const char *reason(int error)
{
    return error == -EADDRINUSE ? "another Gatepost answers there" : strerror(-error);
}

int control_socket_open(const struct conf *conf, const char *file, struct control_socket *ret,
                        struct conf_error *ret_error)
{
    struct place place = conf_place_of_statement(conf, "control");
    struct control_socket s = {.fd = -1};
    int r = open_at(conf->control, &s);

    (void)snprintf(s.path, sizeof(s.path), "%s", conf->control);
    if (r < 0 && place.line > 0) {
        conf_error_set(ret_error, file, place, "control %s: %s", conf->control, reason(r));
        return -EINVAL;
    }
    if (r < 0) {
        log_line(LOG_WARNING, "control %s: %s; `gatepost status` will have nobody to ask",
                 conf->control, reason(r));
    }
    *ret = s;
    return 0;
}

void control_socket_adopt(struct control_socket *s, int fd, const char *path)
{
    struct stat st;

    *s = (struct control_socket){.fd = fd};
    (void)snprintf(s->path, sizeof(s->path), "%s", path);
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (fd >= 0 && lstat(path, &st) == 0) {
        s->device = st.st_dev;
        s->inode = st.st_ino;
    }
}

void control_socket_forget(struct control_socket *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
}

bool control_socket_is_there(const struct control_socket *s)
{
    struct stat st;

    return s->fd >= 0 && lstat(s->path, &st) == 0 && st.st_dev == s->device &&
           st.st_ino == s->inode;
}

void control_socket_close(struct control_socket *s)
{
    bool there = control_socket_is_there(s);

    control_socket_forget(s);
    if (there) {
        (void)unlink(s->path);
    }
}
