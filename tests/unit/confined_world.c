#include "confined_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

struct confined_world w;

const char *inside(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", w.folder, name);
    return path;
}

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 64) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

struct sockaddr_un abstract_name(socklen_t *ret_n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(w.abstract);

    memcpy(a.sun_path + 1, w.abstract, n);
    *ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
    return a;
}

static void make_configuration(void)
{
    struct buf text = {0};
    struct conf_error error = {0};
    struct findings findings;

    buf_printf(&text,
               "hostname mx.test\nlisten 127.0.0.1:2525\n"
               "route hop.test to smtp://127.0.0.1:%u\n"
               "route unix.test to lmtp:%s/lmtp\n"
               "clamd tcp://127.0.0.1:%u\n"
               "route box.test to maildir:%s/mail/%%{rcpt.local_part}\n"
               "state lmdb:%s/state\nspool %s/spool\n"
               "table t file %s/tables/t\npolicy { at connect { trust when client.ip in t } }\n",
               w.hop_port, w.folder, w.scanner_port, w.folder, w.folder, w.folder, w.folder);
    assert_int_equal(conf_parse(buf_slice(&text), "test.conf", &w.conf, &error), 0);
    findings_init(&findings);
    assert_int_equal(policy_compile(w.conf, &findings, &w.policy), 0);
    findings_free(&findings);
    buf_free(&text);
}

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "192.0.2.1\n", 10), 10);
    (void)close(fd);
}

int make_world(void **state)
{
    static const char *const folders[] = {"state", "spool", "mail", "mail/box", "tables"};
    socklen_t n;

    (void)state;
    (void)strcpy(w.folder, "/tmp/gatepost-confine-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    (void)strcpy(w.outside, "/tmp/gatepost-outside-XXXXXX");
    assert_non_null(mkdtemp(w.outside));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        assert_int_equal(mkdir(inside(folders[i]), 0755), 0);
    }
    write_file(inside("tables/t"));
    write_file(inside("outside"));
    w.hop = listen_somewhere(&w.hop_port);
    w.scanner = listen_somewhere(&w.scanner_port);
    w.other = listen_somewhere(&w.other_port);
    (void)snprintf(w.abstract, sizeof(w.abstract), "gatepost-confine-%d", (int)getpid());
    struct sockaddr_un a = abstract_name(&n);
    w.abstract_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w.abstract_fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(w.abstract_fd, 8), 0);
    make_configuration();
    w.level = sandbox_offered();
    return 0;
}

int free_world(void **state)
{
    char command[256];

    (void)state;
    (void)policy_free(w.policy);
    (void)conf_free(w.conf);
    (void)close(w.hop);
    (void)close(w.scanner);
    (void)close(w.other);
    (void)close(w.abstract_fd);
    (void)snprintf(command, sizeof(command), "rm -rf %s %s", w.folder, w.outside);
    return system(command);
}

int open_file(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC, 0600) < 0;
}

int make_socket(int domain, int type, int protocol)
{
    return socket(domain, type | SOCK_CLOEXEC, protocol) < 0;
}

int connect_to(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0;
}

int read_passwd(void)
{
    return open_file("/etc/passwd", O_RDONLY);
}

enum outcome outcome_of(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return REFUSED;
    }
    return (enum outcome)WEXITSTATUS(status);
}

enum outcome try_confined(attempt_fn *attempt)
{
    struct sandbox_level level;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (worker_confine(w.conf, w.policy, &level) < 0) {
            _exit(NOT_CONFINED);
        }
        _exit(attempt() == 0 ? DONE : REFUSED);
    }
    enum outcome outcome = outcome_of(pid);
    assert_int_not_equal(outcome, NOT_CONFINED);
    return outcome;
}
