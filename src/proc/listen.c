/* See proc/listen.h. */
#include "proc/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"

/* Connections that the kernel completes while all workers are busy; net.core.somaxconn caps it. */
#define BACKLOG 4096

/* Where systemd's descriptors begin: SD_LISTEN_FDS_START. */
#define INHERITED_FIRST 3

/* ---- the list ---- */

static bool same_address(const struct addr *a, const struct addr *b)
{
    return addr_same_host(a, b) && a->port == b->port;
}

static struct listener *find(const struct listeners *all, const struct addr *at)
{
    for (size_t i = 0; i < all->count; i++) {
        if (same_address(&all->items[i].at, at)) {
            return &all->items[i];
        }
    }
    return NULL;
}

static struct listener *find_fd(const struct listeners *all, int fd)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].fd == fd) {
            return &all->items[i];
        }
    }
    return NULL;
}

static struct listener *add(struct listeners *all, const struct addr *at, int fd, bool inherited)
{
    all->items = xrealloc(all->items, (all->count + 1) * sizeof(*all->items));
    struct listener *l = &all->items[all->count++];
    *l = (struct listener){.at = *at, .fd = fd, .inherited = inherited};
    return l;
}

static void remove_unused(struct listeners *all)
{
    size_t kept = 0;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].users == 0) {
            close(all->items[i].fd);
        } else {
            all->items[kept++] = all->items[i];
        }
    }
    all->count = kept;
}

/* ---- sockets ---- */

static int listen_on(const struct addr *a, int *ret)
{
    struct sockaddr_storage ss;
    socklen_t n = addr_to_sockaddr(a, &ss);
    int on = 1;
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    /* [::] means IPv6 alone, whatever the system's default is: 0.0.0.0 is written beside it. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        (a->family == ADDR_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
        bind(fd, (struct sockaddr *)&ss, n) < 0 || listen(fd, BACKLOG) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret = fd;
    return 0;
}

/* Of a listening TCP socket, else -EINVAL. */
static int address_of(int fd, struct addr *ret)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    int listening = 0;
    socklen_t listening_n = sizeof(listening);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_n) < 0 ||
        getsockname(fd, (struct sockaddr *)&ss, &n) < 0) {
        return -errno;
    }
    struct addr at = addr_from_sockaddr(&ss);
    if (!listening || at.family == ADDR_NONE) {
        return -EINVAL;
    }
    *ret = at;
    return 0;
}

int listeners_adopt(struct listeners *all, int fd, bool inherited)
{
    struct addr at;
    int r = address_of(fd, &at);

    if (r == 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
                   fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)) {
        r = -errno;
    }
    if (r == 0) {
        (void)add(all, &at, fd, inherited);
    }
    return r;
}

static long number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    long number = text != NULL ? strtol(text, &end, 10) : -1;

    return end != NULL && end != text && *end == '\0' ? number : -1;
}

int listeners_inherit(struct listeners *all, char *ret_why, size_t why_size)
{
    bool ours = number_of("LISTEN_PID") == (long)getpid();
    long count = number_of("LISTEN_FDS");

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (!ours || count <= 0) {
        return 0;
    }
    for (int fd = INHERITED_FIRST; fd < INHERITED_FIRST + count; fd++) {
        if (listeners_adopt(all, fd, true) < 0) {
            (void)snprintf(ret_why, why_size,
                           "descriptor %d, inherited by socket activation, is no listening TCP "
                           "socket: look at ListenStream= in the socket unit",
                           fd);
            return -EINVAL;
        }
    }
    return 0;
}

/* ---- users ---- */

static bool names(const struct conf *conf, const struct addr *at)
{
    for (size_t i = 0; i < conf->listen_count; i++) {
        if (same_address(&conf->listen[i], at)) {
            return true;
        }
    }
    return false;
}

/* Clients of a socket that systemd holds, and nobody accepts from, would wait for ever. */
static int check_inherited(const struct listeners *all, const struct conf *conf, const char *file,
                           struct conf_error *ret_error)
{
    char address[ADDR_TEXT_MAX];

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].inherited && !names(conf, &all->items[i].at)) {
            conf_error_set(ret_error, file, conf_place_of_statement(conf, "listen"),
                           "expected a `listen` for %s too, which was inherited by socket "
                           "activation (or take it out of the socket unit)",
                           addr_format_port(&all->items[i].at, address));
            return -EINVAL;
        }
    }
    return 0;
}

static int take(struct listeners *all, const struct addr *at, int *ret)
{
    struct listener *l = find(all, at);

    if (l == NULL) {
        int r = listen_on(at, ret);
        if (r < 0) {
            return r;
        }
        l = add(all, at, *ret, false);
    }
    l->users++;
    *ret = l->fd;
    return 0;
}

static bool is_any(const struct addr *a)
{
    const struct addr any = {.family = a->family};

    return addr_same_host(a, &any);
}

/* The socket of ours that keeps this address from being bound beside it, or NULL. */
static const struct listener *in_the_way(const struct listeners *all, const struct addr *at)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct addr *other = &all->items[i].at;
        if (other->family == at->family && other->port == at->port &&
            (is_any(other) || is_any(at))) {
            return &all->items[i];
        }
    }
    return NULL;
}

static void tell_cannot_listen(const struct listeners *all, const struct addr *at, int error,
                               const char *file, struct place place, struct conf_error *ret_error)
{
    const struct listener *other = error == -EADDRINUSE ? in_the_way(all, at) : NULL;
    char address[ADDR_TEXT_MAX], others[ADDR_TEXT_MAX];

    if (other != NULL) {
        conf_error_set(ret_error, file, place,
                       "cannot listen on %s beside %s, with which it overlaps; from one to the "
                       "other it takes a restart",
                       addr_format_port(at, address), addr_format_port(&other->at, others));
    } else {
        conf_error_set(ret_error, file, place, "cannot listen on %s: %s",
                       addr_format_port(at, address), strerror(-error));
    }
}

int listeners_take(struct listeners *all, const struct conf *conf, const char *file, int **ret,
                   struct conf_error *ret_error)
{
    int r = check_inherited(all, conf, file, ret_error);

    if (r < 0) {
        return r;
    }
    int *fds = xmalloc(conf->listen_count * sizeof(*fds));
    for (size_t i = 0; i < conf->listen_count; i++) {
        r = take(all, &conf->listen[i], &fds[i]);
        if (r < 0) {
            tell_cannot_listen(all, &conf->listen[i], r, file, conf_place_of_listen(conf, i),
                               ret_error);
            (void)listeners_give_back(all, fds, i);
            return -EINVAL;
        }
    }
    *ret = fds;
    return 0;
}

int *listeners_give_back(struct listeners *all, int *fds, size_t count)
{
    if (fds == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        find_fd(all, fds[i])->users--;
    }
    remove_unused(all);
    free(fds);
    return NULL;
}

/* ---- before the closing ---- */

/* Keeps packets with SYN from a listening socket, which sees TCP from its header on (flags are in
 * the octet 13): RFC 9293 3.1. A handshake that has begun, whose next packet has no SYN, goes on.
 */
static struct sock_filter no_syn[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
};

void listeners_refuse_new(const struct listeners *all, const int *fds, size_t count)
{
    const struct sock_fprog program = {sizeof(no_syn) / sizeof(no_syn[0]), no_syn};

    for (size_t i = 0; i < count; i++) {
        if (find_fd(all, fds[i])->users == 1) {
            /* Where the kernel cannot, a client may be reset that came at the last moment. */
            (void)setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
        }
    }
}

bool listener_refuses_new(int fd)
{
    socklen_t instructions = 0; /* the option counts in these */

    return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &instructions) == 0 && instructions > 0;
}

void listeners_close(struct listeners *all)
{
    for (size_t i = 0; i < all->count; i++) {
        close(all->items[i].fd);
    }
    free(all->items);
    *all = (struct listeners){0};
}

void listeners_close_others(const struct listeners *all, const int *fds, size_t count)
{
    for (size_t i = 0; i < all->count; i++) {
        bool own = false;
        for (size_t k = 0; k < count; k++) {
            own = own || fds[k] == all->items[i].fd;
        }
        if (!own) {
            close(all->items[i].fd);
        }
    }
}
