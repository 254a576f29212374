/* See proc/environment.h. */
#include "proc/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "client/host_table.h"
#include "journal/decision.h"
#include "proc/descriptors.h"
#include "route/hop_tls.h"
#include "route/recipients.h"
#include "rt/tls.h"

struct check {
    const struct conf *conf;
    const char *file;
    struct identity *who;
    struct conf_error *error;
    bool create;
};

/* Whom workers become; "" where they stay who we are. */
static const char *user_of(const struct check *c)
{
    return c->who->change ? c->who->name : "";
}

static int refuse_va(const struct conf *conf, const char *file, const char *statement,
                     struct conf_error *ret, const char *format, va_list ap)
{
    struct place place = conf_place_of_statement(conf, statement);
    char cause[sizeof(ret->text) / 2];

    (void)vsnprintf(cause, sizeof(cause), format, ap);
    if (place.line > 0) {
        conf_error_set(ret, file, place, "%s", cause);
        return -EINVAL;
    }
    (void)snprintf(ret->text, sizeof(ret->text), "%s: %s (this is the standard; `%s` sets another)",
                   file, cause, statement);
    text_clean(ret->text, strlen(ret->text));
    ret->excerpt[0] = '\0';
    return -EINVAL;
}

int environment_refuse(const struct conf *conf, const char *file, const char *statement,
                       struct conf_error *ret, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    int r = refuse_va(conf, file, statement, ret, format, ap);
    va_end(ap);
    return r;
}

static int refuse(const struct check *c, const char *statement, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct check *c, const char *statement, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    int r = refuse_va(c->conf, c->file, statement, c->error, format, ap);
    va_end(ap);
    return r;
}

static int check_certificate(const struct check *c)
{
    const char *files[] = {c->conf->tls_cert, c->conf->tls_key};
    struct tls_context *context = NULL;
    char why[256];

    if (c->conf->tls_cert == NULL) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (access(files[i], R_OK) < 0) {
            return refuse(c, "tls", "tls %s %s: %s", i == 0 ? "cert" : "key", files[i],
                          strerror(errno));
        }
    }
    if (tls_context_server(files[0], files[1], &context, why, sizeof(why)) < 0) {
        return refuse(c, "tls", "tls: %s", why);
    }
    tls_context_free(context);
    return 0;
}

/* The files of certificates that verified next hops need. */
static int check_trust(const struct check *c)
{
    struct hop_trust *trust = NULL;
    const struct conf_hop *hop;
    char why[256];

    if (hop_trust_new(c->conf, &trust, &hop, why, sizeof(why)) < 0) {
        conf_error_set(c->error, c->file, hop->tls_place, "cannot verify next hop %s: %s",
                       hop->name, why);
        return -EINVAL;
    }
    hop_trust_free(trust);
    return 0;
}

int environment_make_parents(const char *path)
{
    char part[PATH_MAX];

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof(part)) {
            return -ENAMETOOLONG;
        }
        memcpy(part, path, n);
        part[n] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST) {
            return -errno;
        }
    }
    return 0;
}

static int make_folder(const struct check *c, const char *path)
{
    int r = environment_make_parents(path);

    if (r < 0) {
        return r;
    }
    if (mkdir(path, 0700) < 0) {
        return -errno;
    }
    return c->who->change && chown(path, c->who->uid, c->who->gid) < 0 ? -errno : 0;
}

/* Asks the kernel as the workers' user, in a process of its own: it alone knows about the path's
 * other folders, access lists and read-only file systems. */
static int ask_as_worker(const struct identity *who, const char *path, int mode)
{
    int status;
    pid_t child = fork();

    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        int r = identity_become(who);
        if (r == 0 && access(path, mode) < 0) {
            r = -errno;
        }
        _exit(-r);
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* The journal's folder is made where it is missing, for the workers' user. First of all: it may be
 * above the others, and is the user's then. */
static void make_journals_folder(const struct check *c)
{
    struct arena arena;

    if (c->conf->journal != NULL && c->create) {
        arena_init(&arena);
        (void)make_folder(c, environment_folder_of(c->conf->journal, &arena));
        arena_free(&arena);
    }
}

/* That mail flows does not depend on the journal, so what is wrong with it is said and no more. */
static void look_at_journal(const struct check *c)
{
    const char *path = c->conf->journal;
    struct arena arena;

    if (path == NULL) {
        return;
    }
    arena_init(&arena);
    int r = ask_as_worker(c->who, environment_folder_of(path, &arena), R_OK | W_OK | X_OK);
    if (r < 0 && (r != -ENOENT || c->create)) {
        log_line(LOG_WARNING,
                 "journal %s: its folder cannot be written to%s%s: %s; nothing is kept there", path,
                 c->who->change ? " by user " : "", user_of(c), strerror(-r));
    }
    arena_free(&arena);
}

static int check_folder(const struct check *c, const char *what, const char *path)
{
    struct stat st;
    int r = 0;

    if (stat(path, &st) < 0) {
        if (errno == ENOENT && !c->create) {
            return 0;
        }
        r = errno == ENOENT ? make_folder(c, path) : -errno;
        if (r == 0 && stat(path, &st) < 0) {
            r = -errno;
        }
        if (r < 0) {
            return refuse(c, what, "%s folder %s: %s", what, path, strerror(-r));
        }
    }
    if (!S_ISDIR(st.st_mode)) {
        return refuse(c, what, "%s folder %s: %s", what, path, strerror(ENOTDIR));
    }
    if ((st.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH) {
        log_line(LOG_WARNING, "%s folder %s: everybody may write to it", what, path);
    }
    r = ask_as_worker(c->who, path, R_OK | W_OK | X_OK);
    if (r < 0) {
        return refuse(c, what, "%s folder %s: %s%s%s", what, path, strerror(-r),
                      c->who->change ? " for user " : "", user_of(c));
    }
    return 0;
}

const char *environment_folder_of(const char *path, struct arena *arena)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] != '/') {
        n--;
    }
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    return arena_copy(arena, (struct slice){path, n}).p;
}

/* Could a file be made at this path? */
static int ask_folder_of(const char *path)
{
    struct arena arena;

    arena_init(&arena);
    int r = access(environment_folder_of(path, &arena), W_OK | X_OK) < 0 ? -errno : 0;
    arena_free(&arena);
    return r;
}

static int check_decisions(const struct check *c)
{
    struct decision_sink *sink = NULL;
    const char *to = c->conf->decisions == CONF_DECISIONS_FILE       ? c->conf->decisions_file
                     : c->conf->decisions == CONF_DECISIONS_JOURNALD ? "journald"
                                                                     : "stdout";
    int r;

    if (c->conf->decisions == CONF_DECISIONS_FILE && !c->create && access(to, F_OK) < 0) {
        r = ask_folder_of(to);
    } else {
        r = decision_sink_open(c->conf, &(struct decision_origin){0}, &sink);
    }
    if (r < 0) {
        return refuse(c, "decisions", "decisions %s: %s", to, strerror(-r));
    }
    decision_sink_free(sink);
    return 0;
}

/* Lists and databases of recipients: any good, and for the workers to read? */
static int check_recipients(const struct check *c)
{
    int r = recipients_check(c->conf, c->file, c->error);

    for (size_t i = 0; i < c->conf->recipients_count && r == 0; i++) {
        const struct conf_recipients *list = c->conf->recipients[i];
        int error = list->path != NULL ? ask_as_worker(c->who, list->path, R_OK) : 0;
        if (error < 0) {
            conf_error_set(c->error, c->file, list->path_place, "recipients from %s: %s%s%s",
                           list->name, strerror(-error), c->who->change ? " for user " : "",
                           user_of(c));
            r = -EINVAL;
        }
    }
    return r;
}

/* ---- the DNS ---- */

static bool has_standard_anchor(const struct conf *conf)
{
    return conf->trust_anchor != NULL && conf_place_of_statement(conf, "trust_anchor").line == 0;
}

struct memory_setup environment_memory(const struct conf *conf)
{
    return (struct memory_setup){
        .rules = {.half_life = conf->limits.memory_half_life,
                  .returned_time = conf->limits.returned_time,
                  .window = conf->limits.deferral_window},
        .size = (uint64_t)conf->limits.memory_size,
    };
}

struct resolver_setup environment_resolver(const struct conf *conf)
{
    bool lacks = has_standard_anchor(conf) && access(conf->trust_anchor, R_OK) < 0;

    return (struct resolver_setup){
        .way = conf->resolver,
        .hosts = "/etc/hosts",
        .resolv_conf = "/etc/resolv.conf",
        .servers = conf->resolvers,
        .server_count = conf->resolver_count,
        .root_hints = conf->root_hints,
        .trust_anchor = lacks ? NULL : conf->trust_anchor,
        .question_time = conf->limits.dns_time,
        .cache = (size_t)conf->limits.dns_cache,
        .sockets = descriptors_here().dns,
    };
}

static int check_readable(const struct check *c, const char *statement, const char *path)
{
    int r = path != NULL ? ask_as_worker(c->who, path, R_OK) : 0;

    return r < 0 ? refuse(c, statement, "%s %s: %s%s%s", statement, path, strerror(-r),
                          c->who->change ? " for user " : "", user_of(c))
                 : 0;
}

/* The files that a resolver is made from. */
static int check_resolver(const struct check *c)
{
    const struct resolver_setup setup = environment_resolver(c->conf);
    const char *culprit, *why;

    if (c->conf->trust_anchor != NULL && setup.trust_anchor == NULL) {
        log_line(LOG_WARNING,
                 "%s: %s; no answer of the DNS is validated (Debian has it in dns-root-data)",
                 c->conf->trust_anchor, strerror(errno));
    }
    int r = check_readable(c, "root_hints", setup.root_hints);
    r = r < 0 ? r : check_readable(c, "trust_anchor", setup.trust_anchor);
    if (r == 0 && resolver_check(&setup, &culprit, &why) < 0) {
        const char *statement = culprit == setup.root_hints ? "root_hints" : "trust_anchor";
        r = refuse(c, statement, "%s %s: %s", statement, culprit, why);
    }
    return r;
}

/* A name that is nowhere: whose it is, as the log has it. */
static void look_at_name(struct host_table *hosts, const char *what, const char *name,
                         const char *host)
{
    struct addr found;
    size_t n;

    if (host != NULL && host_table_find(hosts, slice_of(host), &found, 1, &n) != HOST_FOUND) {
        log_line(LOG_WARNING,
                 "%s %s: its name is not in /etc/hosts, and with \"resolver none\" nobody else is "
                 "asked; it will never be reached",
                 what, name);
    }
}

/* With `resolver none` it is /etc/hosts that knows the names of next hops and scanners, or nobody.
 */
static void look_at_names(const struct check *c)
{
    if (c->conf->resolver != CONF_RESOLVER_NONE) {
        return;
    }
    struct buf text = {0};
    (void)conf_read_disk("/etc/hosts", false, &text);
    struct host_table *hosts = host_table_new(buf_slice(&text), false);

    for (size_t i = 0; i < c->conf->hop_count; i++) {
        look_at_name(hosts, "next hop", c->conf->hops[i]->name, c->conf->hops[i]->host);
    }
    for (size_t i = 0; i < CONF_SCANNERS; i++) {
        look_at_name(hosts, "scanner", c->conf->scanners[i].name, c->conf->scanners[i].host);
    }
    (void)host_table_free(hosts);
    buf_free(&text);
}

int environment_check(const struct conf *conf, const char *file, bool create,
                      struct identity *ret_who, struct conf_error *ret_error)
{
    struct identity who;
    struct check c = {
        .conf = conf, .file = file, .who = &who, .error = ret_error, .create = create};
    char why[256];

    if (identity_find(conf, &who, why, sizeof(why)) < 0) {
        return refuse(&c, "user", "%s", why);
    }
    make_journals_folder(&c);
    int r = check_certificate(&c);
    r = r < 0 ? r : check_trust(&c);
    r = r < 0 ? r : check_folder(&c, "state", conf->state);
    r = r < 0 ? r : check_folder(&c, "spool", conf->spool);
    r = r < 0 ? r : check_decisions(&c);
    r = r < 0 ? r : check_recipients(&c);
    r = r < 0 ? r : check_resolver(&c);
    if (r == 0) {
        look_at_journal(&c);
        look_at_names(&c);
        *ret_who = who;
    }
    return r;
}

enum log_target environment_log(const struct conf *conf)
{
    bool journald =
        conf->log == CONF_LOG_JOURNALD || (conf->log == CONF_LOG_AUTO && log_stderr_is_journal());

    return journald ? LOG_TO_JOURNALD : LOG_TO_STDERR;
}
