/* See proc/clerk_journal.h.
 *
 * The socket is watched while it is empty. Once something has come, it is emptied every 20 ms
 * instead, so that a busy worker wakes the clerk fifty times a second and not with each record.
 *
 * Counting what is lost: once a second the workers' counters are read (board_settled), then the
 * socket is emptied. What they had settled by then and was not among it will never come. */
#include "proc/clerk_journal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "base/text.h"
#include "journal/courier.h"
#include "journal/reception.h"
#include "journal/writer.h"
#include "proc/dns_sum.h"
#include "proc/hop_sums.h"
#include "proc/list_sums.h"
#include "proc/scanner_sums.h"
#include "rt/real.h"

/* Between looks at a socket that was not empty, and at one whose records find no room. */
#define GATHER_TIME (20 * USEC_MSEC)
#define STUCK_TIME  (100 * USEC_MSEC)
/* Datagrams of one look; then it is others' turn. */
#define LOOK_MOST 64
/* And of the look before records are counted as lost. */
#define COUNT_MOST 1024
/* What a datagram's lines may take in the writer's queue. */
#define DATAGRAM_ROOM (4 * COURIER_DATAGRAM)

#define SECOND        USEC_SEC
/* Next hops, DNS lists and scanners whose health is told, in the order of their appearance. */
#define STATES_MOST 256
/* How often the log may say that records are lost. */
#define LOST_EVERY (60 * USEC_SEC)

/* At the end: for what is still in the socket, while the disk does not do, and where the master has
 * died, for workers that end too. */
#define DRAIN_TIME    (4 * USEC_SEC)
#define WRITE_TIME    (4 * USEC_SEC)
#define ORPHANS_TIME  (8 * USEC_SEC)
#define DRAIN_STEP_MS 20

enum look { LOOK_EMPTY, LOOK_MORE, LOOK_STUCK };

/* What was last said of a next hop or a DNS list. */
struct health_state {
    char name[128];
    const char *state;
};

struct clerk_journal {
    const struct clerk_setup *setup;
    const struct conf *conf;
    struct rt *rt;
    struct journal_writer *writer; /* NULL: what comes is dropped */
    struct reception *reception;
    struct real_watch *watch;
    struct rt_timer look_timer;
    struct rt_timer second_timer;
    bool left_over; /* lines of the datagram are still to be taken */
    uint64_t expected[BOARD_SLOTS];
    struct health_state *states;
    size_t state_count;
    uint64_t lost_told;
    usec_t lost_told_at;
    char datagram[COURIER_DATAGRAM];
};

/* ---- records ---- */

static bool take_line(void *arg, struct slice line)
{
    struct clerk_journal *j = arg;

    return j->writer == NULL || journal_writer_take(j->writer, line);
}

static bool has_room(const struct clerk_journal *j)
{
    struct journal_writer_state state;

    if (j->writer == NULL) {
        return true;
    }
    journal_writer_state(j->writer, &state);
    return state.waiting + DATAGRAM_ROOM <= JOURNAL_WRITER_ROOM;
}

/* Takes up to so many datagrams. *ret_count: how many there were. */
static enum look look(struct clerk_journal *j, unsigned most, unsigned *ret_count)
{
    *ret_count = 0;
    if (j->left_over) {
        j->left_over = !reception_go(j->reception);
    }
    for (unsigned i = 0; i < most; i++) {
        if (j->left_over || !has_room(j)) {
            return LOOK_STUCK;
        }
        ssize_t n = recv(j->setup->records, j->datagram, sizeof(j->datagram), MSG_DONTWAIT);
        if (n <= 0) {
            /* An empty datagram is nobody's of ours, and looks like the end. */
            return LOOK_EMPTY;
        }
        ++*ret_count;
        j->left_over = !reception_take(j->reception, (struct slice){j->datagram, (size_t)n});
    }
    return LOOK_MORE;
}

static void look_again_in(struct clerk_journal *j, usec_t time)
{
    rt_timer_set(j->rt, &j->look_timer, rt_now_of(j->rt) + time);
}

static void on_records(void *arg)
{
    struct clerk_journal *j = arg;
    unsigned count;

    switch (look(j, LOOK_MOST, &count)) {
    case LOOK_MORE: look_again_in(j, 0); break;
    case LOOK_STUCK: look_again_in(j, STUCK_TIME); break;
    case LOOK_EMPTY:
        if (count > 0 || real_watch_once(j->watch) < 0) {
            look_again_in(j, GATHER_TIME);
        }
        break;
    }
}

/* ---- what must have come ---- */

/* What the slots' workers had settled; of this run alone. */
static void read_settled(const struct clerk_journal *j, uint64_t ret[static BOARD_SLOTS])
{
    for (unsigned slot = 0; slot < BOARD_SLOTS; slot++) {
        ret[slot] = 0;
        (void)board_settled(j->setup->shared.board, (uint16_t)slot, j->setup->run, &ret[slot]);
    }
}

/* Whoever has taken a worker over may count as he likes, but not beyond what numbers can hold. */
static void expect(struct clerk_journal *j, const uint64_t settled[static BOARD_SLOTS])
{
    for (unsigned slot = 0; slot < BOARD_SLOTS; slot++) {
        if (settled[slot] > j->expected[slot] && settled[slot] <= INT64_MAX / 2) {
            journal_writer_expect(j->writer, slot, settled[slot]);
            j->expected[slot] = settled[slot];
        }
    }
}

static void count_records(struct clerk_journal *j)
{
    uint64_t settled[BOARD_SLOTS];
    unsigned count;

    read_settled(j, settled);
    if (look(j, COUNT_MOST, &count) == LOOK_EMPTY) {
        expect(j, settled);
    }
}

static void tell_lost(struct clerk_journal *j)
{
    struct journal_writer_state state;

    journal_writer_state(j->writer, &state);
    if (state.lost > j->lost_told && rt_now_of(j->rt) - j->lost_told_at >= LOST_EVERY) {
        log_line(LOG_WARNING, "the journal lacks %llu decisions until now",
                 (unsigned long long)state.lost);
        j->lost_told = state.lost;
        j->lost_told_at = rt_now_of(j->rt);
    }
}

/* ---- health of what decisions depend on ---- */

static struct health_state *state_of(struct clerk_journal *j, const char *name)
{
    for (size_t i = 0; i < j->state_count; i++) {
        if (strcmp(j->states[i].name, name) == 0) {
            return &j->states[i];
        }
    }
    if (j->state_count == STATES_MOST) {
        return NULL;
    }
    struct health_state *s = &j->states[j->state_count++];
    memcpy(s->name, name, strnlen(name, sizeof(s->name) - 1)); /* calloc has ended it */
    return s;
}

/* A row where the state is another one than last time. */
static void tell_state(struct clerk_journal *j, const char *name, const char *state,
                       const char *detail)
{
    struct health_state *s = state_of(j, name);

    if (s != NULL && s->state != state) {
        s->state = state;
        journal_writer_health(j->writer, slice_of(name), slice_of(state), slice_of(detail));
    }
}

static void tell_lists(struct clerk_journal *j, const struct list_sums *sums)
{
    for (size_t i = 0; i < sums->count; i++) {
        const struct list_sum *s = &sums->items[i];
        char name[128];
        (void)snprintf(name, sizeof(name), "dns list %s%s", s->list.zone,
                       s->list.domains ? " of domains" : "");
        tell_state(j, name, list_sum_state(s), s->unwell_in > 0 ? s->list.why : "");
    }
}

static void tell_health(struct clerk_journal *j)
{
    struct hop_sums sums = {0};
    struct list_sums lists = {0};
    struct scanner_sums scanners = {0};
    struct dns_sum dns = {0};
    struct board_worker w;

    for (unsigned slot = 0; slot < BOARD_SLOTS; slot++) {
        if (board_read(j->setup->shared.board, (uint16_t)slot, &w)) {
            hop_sums_add(&sums, &w);
            list_sums_add(&lists, &w);
            scanner_sums_add(&scanners, &w);
            dns_sum_add(&dns, &w);
        }
    }
    for (size_t i = 0; i < sums.count; i++) {
        const struct hop_sum *hop = &sums.items[i];
        tell_state(j, hop->hop.name, hop_sum_state(hop), hop->down_in > 0 ? hop->hop.error : "");
    }
    if (dns.workers > 0) {
        tell_state(j, "dns", dns_sum_state(&dns), dns.down_in > 0 ? dns.dns.trouble : "");
    }
    for (size_t i = 0; i < scanners.count; i++) {
        const struct scanner_sum *s = &scanners.items[i];
        tell_state(j, s->scanner.name, scanner_sum_state(s),
                   s->down_in > 0 ? s->scanner.error : "");
    }
    tell_lists(j, &lists);
    scanner_sums_free(&scanners);
    list_sums_free(&lists);
    hop_sums_free(&sums);
}

static void on_second(void *arg)
{
    struct clerk_journal *j = arg;

    rt_timer_set(j->rt, &j->second_timer, rt_now_of(j->rt) + SECOND);
    count_records(j);
    tell_lost(j);
    tell_health(j);
}

/* ---- its beginning ---- */

/* In the writer's thread. */
static void on_said(void *arg)
{
    real_wake(arg);
}

static void begin_writing(struct clerk_journal *j)
{
    const struct journal_writer_setup setup = {
        .path = j->conf->journal,
        .run = j->setup->run,
        .age = j->conf->limits.journal_age,
        .size = (uint64_t)j->conf->limits.journal_size,
        .wake = on_said,
        .arg = j->rt,
    };
    int r = journal_writer_start(&setup, &j->writer);

    if (r < 0) {
        log_line(LOG_ERROR, "no journal is written: %s", strerror(-r));
        return;
    }
    journal_writer_compiled(j->writer, j->setup->configuration->policy);
    j->second_timer = (struct rt_timer){.fn = on_second, .arg = j};
    on_second(j);
}

struct clerk_journal *clerk_journal_begin(struct rt *rt, const struct clerk_setup *setup)
{
    if (setup->configuration == NULL) {
        return NULL;
    }
    struct clerk_journal *j = xcalloc(1, sizeof(*j));

    j->setup = setup;
    j->conf = setup->configuration->conf;
    j->rt = rt;
    j->reception = reception_new(take_line, j);
    j->watch = real_watch_new(rt, setup->records, on_records, j);
    j->look_timer = (struct rt_timer){.fn = on_records, .arg = j};
    j->states = xcalloc(STATES_MOST, sizeof(*j->states));
    j->lost_told_at = -LOST_EVERY;
    if (clerk_keeps_journal(setup)) {
        begin_writing(j);
    }
    on_records(j);
    return j;
}

/* ---- what it tells ---- */

void clerk_journal_turn(struct clerk_journal *j)
{
    struct journal_writer_said said;

    while (j != NULL && j->writer != NULL && journal_writer_said(j->writer, &said)) {
        text_clean(said.text, strlen(said.text));
        log_line(said.trouble ? LOG_WARNING : LOG_NOTICE, "%s", said.text);
    }
}

static size_t in_socket(const struct clerk_journal *j)
{
    int n = 0;

    return ioctl(j->setup->records, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

json_t *clerk_journal_status(const struct clerk_journal *j)
{
    struct journal_writer_state state;
    char oldest[TIME_RFC3339_MAX];

    if (j == NULL || j->writer == NULL) {
        return json_null();
    }
    journal_writer_state(j->writer, &state);
    json_int_t waiting = (json_int_t)state.waiting + (json_int_t)in_socket(j);
    char *path = xstrdup(j->conf->journal);
    text_clean(path, strlen(path));
    text_clean(state.trouble, strlen(state.trouble));
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "path", path, "stored",
                  (json_int_t)state.stored, "lost", (json_int_t)state.lost, "refused",
                  (json_int_t)state.refused, "waiting", waiting, "size", (json_int_t)state.octets);
    free(path);
    if (object == NULL) {
        fatal("out of memory for the status");
    }
    if (state.oldest_wall != 0) {
        time_format_rfc3339(state.oldest_wall, oldest);
        (void)json_object_set_new(object, "oldest", json_string(oldest));
    }
    if (state.trouble[0] != '\0') {
        (void)json_object_set_new(object, "trouble", json_string(state.trouble));
    }
    return object;
}

/* ---- its end ---- */

/* The master has died. While it lives it has us end when there is no worker any more, or because
 * another clerk is to come, for whom the socket keeps what is in it. */
static bool is_orphan(const struct clerk_journal *j)
{
    return getppid() != j->setup->master;
}

/* That is how one sees it without a master, who has the workers' end open too. */
static bool is_closed(const struct clerk_journal *j)
{
    struct pollfd p = {.fd = j->setup->records};

    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

static bool any_worker_lives(const struct clerk_journal *j)
{
    struct board_worker w;

    for (unsigned slot = 0; slot < BOARD_SLOTS; slot++) {
        if (board_read(j->setup->shared.board, (uint16_t)slot, &w)) {
            return true;
        }
    }
    return false;
}

/* Takes what the last workers have sent: all of it, unless the disk does not do. */
static void drain(struct clerk_journal *j, void (*beat)(void *arg), void *arg)
{
    usec_t until = clock_monotonic() + (is_orphan(j) ? ORPHANS_TIME : DRAIN_TIME);
    uint64_t settled[BOARD_SLOTS];
    unsigned count;
    enum look found;

    do {
        bool last = !is_orphan(j) || is_closed(j);
        read_settled(j, settled);
        found = look(j, LOOK_MOST, &count);
        beat(arg);
        if (found == LOOK_EMPTY && last) {
            break;
        }
        if (found != LOOK_MORE) {
            (void)poll(NULL, 0, DRAIN_STEP_MS);
        }
    } while (clock_monotonic() < until);
    expect(j, settled);
}

struct clerk_journal *clerk_journal_end(struct clerk_journal *j, void (*beat)(void *arg), void *arg)
{
    if (j == NULL) {
        return NULL;
    }
    rt_timer_clear(j->rt, &j->look_timer);
    rt_timer_clear(j->rt, &j->second_timer);
    if (j->writer != NULL) {
        usec_t patience = j->setup->hang_time / 2;
        if (is_orphan(j) || !any_worker_lives(j)) {
            drain(j, beat, arg);
        }
        clerk_journal_turn(j);
        size_t lost = journal_writer_end(j->writer, patience < WRITE_TIME ? patience : WRITE_TIME);
        if (lost > 0) {
            log_line(LOG_WARNING, "%zu decisions could not be written to the journal any more",
                     lost);
        }
    }
    j->watch = real_watch_free(j->watch);
    j->reception = reception_free(j->reception);
    free(j->states);
    free(j);
    return NULL;
}
