/* See proc/status_json.h. */
#include "proc/status_json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/text.h"
#include "proc/dns_sum.h"
#include "proc/hop_sums.h"
#include "proc/list_sums.h"
#include "proc/scanner_sums.h"

/* After so many looks, each of which has met the burial of a worker, the last one has to do. */
#define LOOKS_MOST 16

static const struct sandbox_level sandbox_all = {.seccomp = true, .landlock = INT_MAX};

static const char *const phase_names[SESSION_PHASES] = {
    [SESSION_GREETED] = "greeted", [SESSION_MAIL] = "mail",       [SESSION_RCPT] = "rcpt",
    [SESSION_DATA] = "data",       [SESSION_MESSAGE] = "message", [SESSION_COMMIT] = "commit",
};

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) {
        fatal("out of memory for the status");
    }
}

static void set_number(json_t *object, const char *key, uint64_t n)
{
    set(object, key, json_integer((json_int_t)n));
}

/* Text that may have been cut within a character. */
static void set_octets(json_t *object, const char *key, const char *text, size_t n)
{
    set(object, key, json_stringn(text, text_clean_length(text, n)));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    set_octets(object, key, text, strlen(text));
}

static void set_time(json_t *object, const char *key, usec_t wall)
{
    char text[TIME_RFC3339_MAX];

    time_format_rfc3339(wall, text);
    set(object, key, json_string(text));
}

/* ---- sums over all workers ---- */

static void add_blocks(struct real_blocks *sum, const struct real_blocks *b)
{
    if (b->longest > sum->longest) {
        sum->longest = b->longest;
        sum->longest_at = b->longest_at;
    }
    sum->recent = b->recent > sum->recent ? b->recent : sum->recent;
    sum->own = b->own > sum->own ? b->own : sum->own;
    sum->own_recent = b->own_recent > sum->own_recent ? b->own_recent : sum->own_recent;
    sum->own_long += b->own_long;
}

static void add_figures(struct board_worker *sum, const struct board_worker *w)
{
    sum->level.seccomp = sum->level.seccomp && w->level.seccomp;
    if (w->level.landlock < sum->level.landlock) {
        sum->level.landlock = w->level.landlock;
    }
    sum->waiting += w->waiting;
    sum->late += w->late;
    sum->spool_used += w->spool_used;
    sum->spool_limit += w->spool_limit;
    sum->decisions_lost += w->decisions_lost;
    for (size_t i = 0; i < SESSION_PHASES; i++) {
        sum->in_phase[i] += w->in_phase[i];
    }
    add_blocks(&sum->blocks, &w->blocks);
#define COUNTER(name, prose) sum->counters.name += w->counters.name;
#include "tbl/counters.h"
#undef COUNTER
}

static json_t *sessions_object(const struct board_worker *w)
{
    json_t *object = json_object();

    set_number(object, "waiting", w->waiting);
    for (size_t i = 0; i < SESSION_PHASES; i++) {
        set_number(object, phase_names[i], w->in_phase[i]);
    }
    set_number(object, "late", w->late);
    return object;
}

static json_t *counters_object(const struct counters *c)
{
    json_t *object = json_object();

#define COUNTER(name, prose) set_number(object, #name, c->name);
#include "tbl/counters.h"
#undef COUNTER
    return object;
}

static json_t *loop_object(const struct board_worker *w, usec_t now, usec_t wall)
{
    json_t *object = json_object();

    set_number(object, "longest_us", (uint64_t)w->blocks.longest);
    if (w->blocks.longest > 0) {
        set_time(object, "longest_at", wall - (now - w->blocks.longest_at));
    }
    set_number(object, "recent_us", (uint64_t)w->blocks.recent);
    set_number(object, "own_us", (uint64_t)w->blocks.own);
    set_number(object, "own_recent_us", (uint64_t)w->blocks.own_recent);
    set_number(object, "own_over_5ms", w->blocks.own_long);
    return object;
}

static json_t *spool_object(const struct board_worker *w)
{
    json_t *object = json_object();

    set_number(object, "used", w->spool_used);
    set_number(object, "limit", w->spool_limit);
    return object;
}

static json_t *worker_object(uint16_t slot, const struct board_worker *w, usec_t now, usec_t wall)
{
    json_t *object = json_object();

    set_number(object, "worker", slot);
    set_number(object, "pid", (uint64_t)w->pid);
    set_number(object, "epoch", w->epoch);
    set_number(object, "generation", w->generation);
    set_number(object, "age_us", (uint64_t)(now - w->began));
    set(object, "draining", json_boolean(w->draining));
    set(object, "sessions", sessions_object(w));
    set(object, "spool", spool_object(w));
    set(object, "loop", loop_object(w, now, wall));
    return object;
}

/* Takes the next line off *rest: false at the end. */
static bool next_line(const char **rest, const char **ret, size_t *ret_n)
{
    size_t n = strcspn(*rest, "\n");

    if ((*rest)[n] != '\n') {
        return false;
    }
    *ret = *rest;
    *ret_n = n;
    *rest += n + 1;
    return true;
}

/* Adds what one worker has seen and no other has before it. */
static void add_accept_all(json_t *list, const char *lines)
{
    const char *server, *domain;
    size_t server_n, domain_n;

    while (next_line(&lines, &server, &server_n) && next_line(&lines, &domain, &domain_n)) {
        json_t *found = json_object();
        bool there = false;
        json_t *other;
        size_t i;

        set_octets(found, "server", server, server_n);
        set_octets(found, "domain", domain, domain_n);
        json_array_foreach(list, i, other)
        {
            there |= json_equal(found, other) != 0;
        }
        if (there) {
            json_decref(found);
        } else if (json_array_append_new(list, found) != 0) {
            fatal("out of memory for the status");
        }
    }
}

/* ---- next hops ---- */

static json_t *hop_object(const struct hop_sum *s, usec_t now, usec_t wall)
{
    json_t *object = json_object();

    set_text(object, "name", s->hop.name);
    set(object, "state", json_string(hop_sum_state(s)));
    if (s->down_in > 0) {
        set_time(object, "since", wall - (now - s->hop.since));
    }
    if (s->hop.error[0] != '\0') {
        set_text(object, "last_error", s->hop.error);
    }
    set_number(object, "in_use", s->hop.in_use);
    set_number(object, "kept", s->hop.kept);
    set_number(object, "waiting", s->hop.waiting);
    set_number(object, "messages", s->hop.messages);
    set_number(object, "failures", s->hop.failures);
    return object;
}

static json_t *hops_array(const struct hop_sums *sums, usec_t now, usec_t wall)
{
    json_t *array = json_array();

    for (size_t i = 0; i < sums->count; i++) {
        if (json_array_append_new(array, hop_object(&sums->items[i], now, wall)) != 0) {
            fatal("out of memory for the status");
        }
    }
    return array;
}

/* ---- the DNS ---- */

static json_t *dns_object(const struct dns_sum *s, usec_t now, usec_t wall)
{
    json_t *object = json_object();

    set(object, "state", json_string(dns_sum_state(s)));
    if (s->workers > 0) {
        set_time(object, "since", wall - (now - s->dns.since));
    }
    if (s->down_in > 0) {
        set_text(object, "trouble", s->dns.trouble);
    }
    set(object, "validates", json_boolean(s->dns.validates));
    set_number(object, "under_way", s->dns.under_way);
    set_number(object, "waiting", s->dns.waiting);
    return object;
}

/* ---- the memory ---- */

/* All workers have the same; they need not have the same trouble. */
static void add_memory(struct board_memory_figures *sum, const struct board_memory_figures *m)
{
    if (m->records + m->octets > 0) {
        sum->records = m->records;
        sum->octets = m->octets;
    }
    sum->limit = m->limit;
    if (m->trouble[0] != '\0') {
        memcpy(sum->trouble, m->trouble, sizeof(sum->trouble));
    }
}

static json_t *memory_object(const struct board_memory_figures *m)
{
    json_t *object = json_object();

    set_number(object, "records", m->records);
    set_number(object, "size", m->octets);
    set_number(object, "limit", m->limit);
    if (m->trouble[0] != '\0') {
        set_text(object, "trouble", m->trouble);
    }
    return object;
}

/* ---- DNS lists ---- */

static json_t *list_object(const struct list_sum *s, usec_t now, usec_t wall)
{
    json_t *object = json_object();

    set_text(object, "zone", s->list.zone);
    set(object, "of", json_string(s->list.domains ? "domains" : "addresses"));
    set(object, "state", json_string(list_sum_state(s)));
    if (s->unwell_in > 0) {
        set_time(object, "since", wall - (now - s->list.since));
        set_text(object, "why", s->list.why);
    }
    return object;
}

static json_t *lists_array(const struct list_sums *sums, usec_t now, usec_t wall)
{
    json_t *array = json_array();

    for (size_t i = 0; i < sums->count; i++) {
        if (json_array_append_new(array, list_object(&sums->items[i], now, wall)) != 0) {
            fatal("out of memory for the status");
        }
    }
    return array;
}

/* ---- scanners ---- */

static json_t *scanner_object(const struct scanner_sum *s, usec_t now, usec_t wall)
{
    json_t *object = json_object();

    set_text(object, "name", s->scanner.name);
    set(object, "state", json_string(scanner_sum_state(s)));
    if (s->down_in > 0) {
        set_time(object, "since", wall - (now - s->scanner.since));
    }
    if (s->scanner.error[0] != '\0') {
        set_text(object, "last_error", s->scanner.error);
    }
    set_number(object, "in_use", s->scanner.in_use);
    set_number(object, "waiting", s->scanner.waiting);
    set_number(object, "scanned", s->scanner.scanned);
    set_number(object, "kept", s->scanner.kept);
    set_number(object, "unknown", s->scanner.unknown);
    return object;
}

static json_t *scanners_array(const struct scanner_sums *sums, usec_t now, usec_t wall)
{
    json_t *array = json_array();

    for (size_t i = 0; i < sums->count; i++) {
        if (json_array_append_new(array, scanner_object(&sums->items[i], now, wall)) != 0) {
            fatal("out of memory for the status");
        }
    }
    return array;
}

/* ---- the whole ---- */

/* Of all workers, the least. */
static json_t *confinement_object(const struct sandbox_level *least)
{
    json_t *object = json_object();

    set(object, "seccomp", json_boolean(least->seccomp));
    set(object, "landlock_abi", json_integer(least->landlock));
    set(object, "files", json_boolean(least->landlock >= SANDBOX_LANDLOCK_FILES));
    set(object, "ports", json_boolean(least->landlock >= SANDBOX_LANDLOCK_PORTS));
    set(object, "signals", json_boolean(least->landlock >= SANDBOX_LANDLOCK_SIGNALS));
    return object;
}

static json_t *look(const struct board *b, usec_t now, usec_t wall)
{
    struct board_master m = {0};
    struct board_past past = {0};
    struct board_worker sum = {.level = sandbox_all};
    struct board_worker w;
    json_t *object = json_object();
    json_t *workers = json_array();
    json_t *accept_all = json_array();
    struct hop_sums hops = {0};
    struct list_sums lists = {0};
    struct scanner_sums scanners = {0};
    struct dns_sum dns = {0};

    board_read_master(b, &m);
    board_read_past(b, &past);
    sum.counters = past.counters;
    sum.decisions_lost = past.decisions_lost;
    for (unsigned slot = 0; slot < BOARD_SLOTS; slot++) {
        if (board_read(b, (uint16_t)slot, &w)) {
            add_figures(&sum, &w);
            add_accept_all(accept_all, w.accept_all);
            hop_sums_add(&hops, &w);
            list_sums_add(&lists, &w);
            scanner_sums_add(&scanners, &w);
            dns_sum_add(&dns, &w);
            add_memory(&sum.memory, &w.memory);
            if (json_array_append_new(workers, worker_object((uint16_t)slot, &w, now, wall)) != 0) {
                fatal("out of memory for the status");
            }
        }
    }
    set(object, "version", json_string(GATEPOST_VERSION));
    set_number(object, "pid", (uint64_t)m.pid);
    set_time(object, "since", m.began_wall);
    set_number(object, "generation", m.generation);
    set_number(object, "reloads", m.reloads);
    set_number(object, "workers_wanted", m.workers);
    if (json_array_size(workers) > 0) {
        set(object, "confinement", confinement_object(&sum.level));
    }
    set(object, "sessions", sessions_object(&sum));
    set(object, "spool", spool_object(&sum));
    set(object, "loop", loop_object(&sum, now, wall));
    set_number(object, "decisions_lost", sum.decisions_lost);
    set(object, "hops", hops_array(&hops, now, wall));
    set_number(object, "hops_unshown", hops.unshown);
    hop_sums_free(&hops);
    set(object, "dns", dns_object(&dns, now, wall));
    set(object, "memory", memory_object(&sum.memory));
    set(object, "dns_lists", lists_array(&lists, now, wall));
    set_number(object, "dns_lists_unshown", lists.unshown);
    list_sums_free(&lists);
    set(object, "scanners", scanners_array(&scanners, now, wall));
    scanner_sums_free(&scanners);
    set(object, "accept_all", accept_all);
    set(object, "workers", workers);
    set(object, "counters", counters_object(&sum.counters));
    return object;
}

json_t *status_json(const struct board *b, usec_t now, usec_t wall)
{
    for (unsigned i = 1;; i++) {
        uint32_t moves = board_moves(b);
        json_t *status = look(b, now, wall);
        if (i == LOOKS_MOST || board_is_moving(moves) || !board_has_moved(b, moves)) {
            return status;
        }
        json_decref(status);
    }
}
