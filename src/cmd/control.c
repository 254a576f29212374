/* See cmd/control.h. */
#include "cmd/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_SECONDS 90
/* The status is told at once; for longer than this nobody waits without a word. */
#define SILENCE_SECONDS 3
/* More than any reply has. */
#define REPLY_MOST ((size_t)16 << 20)

/* A socket connected to the path, or a negative errno. */
static int connect_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int send_request(int fd, enum control_verb verb)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "{\"do\":\"%s\"}\n", control_verb_name(verb));

    return send(fd, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -errno;
}

/* Waits for a reply's beginning, but not long, and says so when there is none. */
static void wait_a_little(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (poll(&p, 1, SILENCE_SECONDS * 1000) == 0) {
        (void)fprintf(stderr,
                      "gatepost: the clerk does not answer yet: it is stopped or hangs, and "
                      "is replaced after hang_time; mail does not wait for it\n");
    }
}

/* Reads up to a line feed. */
static int read_reply(int fd, struct buf *ret)
{
    while (ret->n == 0 || ret->p[ret->n - 1] != '\n') {
        ssize_t n = recv(fd, buf_reserve(ret, 65536), 65536, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? -ECONNRESET : -errno;
        }
        ret->n += (size_t)n;
        if (ret->n > REPLY_MOST) {
            return -EMSGSIZE;
        }
    }
    return 0;
}

static int ask(const char *path, enum control_verb verb, struct buf *ret)
{
    int fd = connect_to(path);

    if (fd < 0) {
        return fd;
    }
    int r = send_request(fd, verb);
    if (r == 0 && verb == CONTROL_STATUS) {
        wait_a_little(fd);
    }
    r = r < 0 ? r : read_reply(fd, ret);
    close(fd);
    return r;
}

static const char *cause(int error)
{
    switch (error) {
    case -ENOENT:
    case -ECONNREFUSED:
        return "no Gatepost runs there (one that began with another `control` goes over to this "
               "one after SIGHUP to its master)";
    case -EAGAIN: return "no answer in time";
    case -ECONNRESET:
    case -EPIPE: return "the connection was closed without an answer; try again";
    default: return strerror(-error);
    }
}

static enum cmd_status take_reply(const struct buf *text, json_t **ret)
{
    json_t *reply = json_loadb(text->p, text->n, JSON_DISABLE_EOF_CHECK, NULL);
    const char *error = json_string_value(json_object_get(reply, "error"));

    if (!json_is_object(reply) || error != NULL) {
        (void)fprintf(stderr, "gatepost: %s\n", error != NULL ? error : "the answer is not JSON");
        json_decref(reply);
        return CMD_NO;
    }
    *ret = reply;
    return CMD_DONE;
}

enum cmd_status control_ask(const char *file, enum control_verb verb, json_t **ret)
{
    struct conf *conf = NULL;
    struct conf_error error;
    struct buf text = {0};

    if (conf_load(file, &conf, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return CMD_WRONG;
    }
    enum cmd_status status = CMD_NO;
    int r = ask(conf->control, verb, &text);
    if (r == 0) {
        status = take_reply(&text, ret);
    } else {
        (void)fprintf(stderr, "gatepost: nobody answers at %s: %s\n", conf->control, cause(r));
    }
    buf_free(&text);
    (void)conf_free(conf);
    return status;
}
