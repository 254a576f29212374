/* A next hop that is a Maildir on this host. Must never block the loop, and never show a message in
 * new/ that is not synced as a whole.
 *
 * hop_rcpt looks whether the mailbox's folder can be opened: by Landlock's rules a worker may see
 * folders that it may not use. hop_prepare writes and syncs one file in
 * tmp/ for each recipient. hop_commit renames each into new/ and syncs new/: the rename is the
 * commit, the sync is the answer. hop_end removes what was not renamed.
 *
 * Files have LF line ends and begin with Return-Path (RFC 5321 4.4). Addresses become file names
 * here, so what could lead out of the configured folder never matches a mailbox. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "message/outgoing.h"
#include "parse/ascii.h"
#include "route/hop_ops.h"
#include "route/maildir_file.h"

/* NAME_MAX of every file system in use. */
#define NAME_OCTETS_MAX ((size_t)255)

#define LOCAL_PART      "%{rcpt.local_part}"
#define DOMAIN          "%{rcpt.domain}"

struct maildir_hop {
    struct hop base;
    struct hop_pools *pools;
    const struct conf_route *route;
    const struct envelope *envelope;
    struct arena *arena;
    struct maildir_file *files; /* one for each recipient given to hop_prepare, in its order */
    size_t count;
    struct message *message;
    struct message_cursor cursor;
};

static struct answer unknown_mailbox(void)
{
    return answer_ours(550, "5.1.1", "there is no such mailbox here");
}

/* What went wrong with our own files, as an answer. */
static struct answer file_error(int rc)
{
    if (rc == -ENOSPC || rc == -EDQUOT) {
        return answer_ours(452, "4.3.1", "there is no room for the message, please retry later");
    }
    return answer_ours(451, "4.3.0", "the message could not be stored, please retry later");
}

/* Tells the operator what keeps mail from being stored, once a minute. */
static void say_trouble(struct maildir_hop *h, const char *path, int error, const char *hint)
{
    struct hop_pools *p = h->pools;
    if (path == NULL || error == -ECANCELED || rt_now() < p->maildir_quiet_until) {
        return;
    }
    p->maildir_quiet_until = rt_now() + 60 * USEC_SEC;
    hop_pools_say(p, true, "%s: mail is put off: %s: %s%s", h->route->name, path, strerror(-error),
                  hint);
}

/* ---- hop_rcpt ---- */

struct slice hop_maildir_root(const char *folder)
{
    const char *percent = strchr(folder, '%');
    size_t n = percent != NULL ? (size_t)(percent - folder) : strlen(folder);
    while (n > 1 && folder[n - 1] != '/') {
        n--;
    }
    return (struct slice){folder, n};
}

/* Can it be part of a path without leading anywhere else? */
static bool is_name(struct slice s)
{
    if (s.n == 0 || s.n > NAME_OCTETS_MAX || s.p[0] == '.' || memchr(s.p, '/', s.n) != NULL) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool starts_with(const char *p, const char *word, size_t n)
{
    return strncmp(p, word, n) == 0;
}

/* The route's folder with the recipient's parts in it, NUL-terminated, in the arena. */
static const char *expand(struct maildir_hop *h, struct slice local_part, struct slice domain)
{
    struct slice path = SLICE_LIT("");
    const char *p = h->route->folder;
    while (*p != '\0') {
        const char *percent = strstr(p + (*p == '%'), "%{");
        struct slice piece = {p, percent != NULL ? (size_t)(percent - p) : strlen(p)};
        p += piece.n;
        if (starts_with(piece.p, LOCAL_PART, sizeof LOCAL_PART - 1)) {
            path =
                arena_printf(h->arena, SLICE_FMT SLICE_FMT, SLICE_ARG(path), SLICE_ARG(local_part));
            piece.p += sizeof LOCAL_PART - 1;
            piece.n -= sizeof LOCAL_PART - 1;
        } else if (starts_with(piece.p, DOMAIN, sizeof DOMAIN - 1)) {
            path = arena_printf(h->arena, SLICE_FMT SLICE_FMT, SLICE_ARG(path), SLICE_ARG(domain));
            piece.p += sizeof DOMAIN - 1;
            piece.n -= sizeof DOMAIN - 1;
        }
        path = arena_printf(h->arena, SLICE_FMT SLICE_FMT, SLICE_ARG(path), SLICE_ARG(piece));
    }
    return arena_copy(h->arena, path).p;
}

static int run_find(void *arg)
{
    return maildir_file_find(arg);
}

static int maildir_rcpt(struct hop *base, struct hop_recipient *r, usec_t deadline)
{
    struct maildir_hop *h = container_of(base, struct maildir_hop, base);
    (void)deadline; /* one look at a folder; rt_call knows no deadline */
    if (!hop_address_safe(h->envelope, r, &r->answer)) {
        return 0;
    }
    struct slice domain = ascii_lowered(h->arena, r->domain);
    if (!is_name(r->local_part) || !is_name(domain)) {
        r->answer = unknown_mailbox();
        return 0;
    }
    struct slice lower = ascii_lowered(h->arena, r->local_part);
    struct maildir_search search = {
        .exact = expand(h, r->local_part, domain),
        .root = arena_copy(h->arena, hop_maildir_root(h->route->folder)).p,
        .hint = "",
    };
    if (!slice_eq(lower, r->local_part)) {
        search.lower = expand(h, lower, domain);
    }
    int rc = rt_call(RT_CALL_FILE, run_find, &search);
    if (rc >= 0) {
        r->folder = rc == 0 ? search.exact : search.lower;
        r->answer = answer_ours(250, "2.1.5", "the mailbox is here");
    } else if (rc == -ENOENT) {
        r->answer = unknown_mailbox();
    } else {
        say_trouble(h, search.culprit, rc == -ENODEV ? -ENOENT : rc, search.hint);
        r->answer = answer_ours(451, "4.3.0", "the mailbox cannot be looked at just now");
    }
    return rc == -ECANCELED ? rc : 0;
}

/* ---- hop_prepare ---- */

/* A slash would leave the folder, and a colon begins the flags of a Maildir file name. */
static const char *file_host(struct maildir_hop *h)
{
    struct slice host = SLICE_LIT("");
    for (const char *p = h->pools->conf->hostname; *p != '\0';) {
        size_t n = strcspn(p, "/:");
        const char *instead = p[n] == '/' ? "\\057" : p[n] == ':' ? "\\072" : "";
        host = arena_printf(h->arena, SLICE_FMT "%.*s%s", SLICE_ARG(host), (int)n, p, instead);
        p += n + (p[n] != '\0');
    }
    return arena_copy(h->arena, host).p;
}

/* Unique over time, processes and hosts; the random part serves where clocks step back. */
static void name_file(struct maildir_hop *h, struct maildir_file *f, const struct hop_recipient *r,
                      const char *host)
{
    usec_t now = rt_wall();
    uint32_t random;
    rt_random(&random, sizeof random);
    const char *folder =
        r->junk ? arena_printf(h->arena, "%s/.%s", r->folder, h->route->junk_folder).p : r->folder;
    struct slice name =
        arena_printf(h->arena, "%lld.M%06lldP%ldQ%lluR%08x.%s", (long long)(now / USEC_SEC),
                     (long long)(now % USEC_SEC), (long)getpid(),
                     (unsigned long long)++h->pools->files, (unsigned)random, host);
    *f = (struct maildir_file){
        .folder = folder,
        .above = r->junk ? r->folder : NULL,
        .tmp = arena_printf(h->arena, "%s/tmp/" SLICE_FMT, folder, SLICE_ARG(name)).p,
        .target = arena_printf(h->arena, "%s/new/" SLICE_FMT, folder, SLICE_ARG(name)).p,
        .sender = h->envelope->sender,
        .trace = h->message->trace,
        .fd = -1,
    };
}

struct write_job {
    struct maildir_file *file;
    struct slice piece;
    bool first;
    bool last;
    bool ends_in_line;
};

static int run_write(void *arg)
{
    const struct write_job *job = arg;
    return maildir_file_write(job->file, job->piece, job->first, job->last, job->ends_in_line);
}

/* Writes one recipient's file, piece by piece as the message goes out. */
static int write_file(struct maildir_hop *h, struct maildir_file *f, usec_t deadline)
{
    struct message *m = h->message;
    struct write_job job = {.file = f, .first = true};
    job.ends_in_line = message_ends_in_line(m); /* the trace's, when empty */
    uint64_t left = message_size(m);
    while (!job.last) {
        if (rt_now() >= deadline) {
            return -ETIMEDOUT;
        }
        int rc = message_next(m, &h->cursor, &job.piece);
        if (rc < 0) {
            return rc;
        }
        left -= job.piece.n;
        job.last = left == 0;
        if (!job.last && job.piece.n == 0) {
            return -EIO; /* the spool has less than it said */
        }
        rc = rt_call(RT_CALL_FILE, run_write, &job);
        if (rc < 0) {
            return rc;
        }
        job.first = false;
    }
    return 0;
}

static int prepare_one(struct maildir_hop *h, struct maildir_file *f, struct hop_recipient *r,
                       const char *host, usec_t deadline)
{
    int rc = r->folder == NULL ? maildir_rcpt(&h->base, r, deadline) : 0;
    if (rc < 0 || r->folder == NULL) {
        return rc;
    }
    name_file(h, f, r, host);
    rc = write_file(h, f, deadline);
    message_cursor_end(h->message, &h->cursor);
    h->cursor = (struct message_cursor){0};
    buf_free(&f->out);
    if (rc < 0 && rc != -ETIMEDOUT) {
        say_trouble(h, f->tmp, rc, "");
    }
    r->answer = rc < 0 ? file_error(rc) : answer_ours(250, "2.1.5", "the message can be stored");
    return rc == -ECANCELED || rc == -ETIMEDOUT ? rc : 0;
}

static int maildir_prepare(struct hop *base, struct message *m, struct hop_recipient *const *r,
                           size_t count, usec_t deadline)
{
    struct maildir_hop *h = container_of(base, struct maildir_hop, base);
    if (m->bare_cr_or_lf) {
        struct answer answer = answer_ours(
            550, "5.6.11", "the message has bare CR or LF, which a mailbox file cannot keep");
        hop_answer_all(r, count, &answer);
        return 0;
    }
    h->message = m;
    h->files = arena_zalloc(h->arena, count * sizeof h->files[0]);
    h->count = count;
    for (size_t i = 0; i < count; i++) {
        h->files[i].fd = -1;
    }
    const char *host = file_host(h);
    for (size_t i = 0; i < count; i++) {
        if (!r[i]->wanted) {
            continue;
        }
        int rc = prepare_one(h, &h->files[i], r[i], host, deadline);
        if (rc < 0 || !answer_is_yes(&r[i]->answer)) {
            return rc; /* one refusal is enough: nothing will be committed */
        }
    }
    return 0;
}

/* ---- hop_commit ---- */

struct publish_job {
    struct maildir_file *file;
    bool renamed;
};

static int run_publish(void *arg)
{
    struct publish_job *job = arg;
    return maildir_file_publish(job->file, &job->renamed);
}

static int maildir_commit(struct hop *base, struct hop_recipient *const *r, size_t count,
                          usec_t deadline)
{
    struct maildir_hop *h = container_of(base, struct maildir_hop, base);
    (void)deadline; /* the kernel does not abandon a rename half-way */
    if (h->count != count) {
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!r[i]->wanted) {
            continue;
        }
        struct publish_job job = {.file = &h->files[i]};
        r[i]->committed = true;
        int rc = rt_call(RT_CALL_FILE, run_publish, &job);
        r[i]->committed = job.renamed;
        r[i]->confirmed = rc == 0;
        r[i]->answered = true;
        if (rc < 0) {
            say_trouble(h, h->files[i].target, rc, "");
        }
        r[i]->answer = rc < 0 ? file_error(rc) : answer_ours(250, "2.0.0", "delivered");
        if (job.renamed && rc < 0) {
            r[i]->answer =
                answer_ours(451, "4.3.0", "the message may be lost, please send it again");
        }
    }
    return 0;
}

/* Never needed: maildir_commit waits until all is done. */
static int maildir_commit_wait(struct hop *base, struct hop_recipient *const *r, size_t count,
                               usec_t deadline)
{
    (void)base;
    (void)r;
    (void)count;
    (void)deadline;
    return -ENOTCONN;
}

/* ---- hop_end ---- */

static int run_discard(void *arg)
{
    struct maildir_hop *h = arg;
    for (size_t i = 0; i < h->count; i++) {
        maildir_file_discard(&h->files[i]);
    }
    return 0;
}

static void maildir_end(struct hop *base)
{
    struct maildir_hop *h = container_of(base, struct maildir_hop, base);
    bool left = false;
    for (size_t i = 0; i < h->count; i++) {
        left = left || h->files[i].exists;
    }
    if (!left) {
        return;
    }
    struct scope shield; /* the client may be gone, its files must go too */
    scope_enter_shield(&shield);
    if (rt_call(RT_CALL_FILE, run_discard, h) < 0) {
        /* Only when this very process is being torn down. */
        for (size_t i = 0; i < h->count; i++) {
            if (h->files[i].fd >= 0) {
                close(h->files[i].fd);
            }
        }
    }
    scope_leave(&shield);
}

static const char *maildir_kind(const struct hop *base)
{
    (void)base;
    return "maildir";
}

static const struct hop_ops maildir_ops = {
    .rcpt = maildir_rcpt,
    .prepare = maildir_prepare,
    .commit = maildir_commit,
    .commit_wait = maildir_commit_wait,
    .end = maildir_end,
    .kind = maildir_kind,
};

struct hop *maildir_begin(struct hop_pools *pools, const struct conf_route *route,
                          const struct envelope *envelope, struct arena *arena)
{
    struct maildir_hop *h = arena_zalloc(arena, sizeof *h);
    h->base.ops = &maildir_ops;
    h->pools = pools;
    h->route = route;
    h->envelope = envelope;
    h->arena = arena;
    return &h->base;
}
