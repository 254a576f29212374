/* The master's part of the control socket: carries out what control clients want of it. What can be
 * asked without the master, `gatepost status` above all, never comes here. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "base/log.h"
#include "proc/master_impl.h"

/* Of a clerk that talks and talks: then it is others' turn. */
#define HEARD_A_TURN 64

/* An order under way. The clerk that passed it on may have been replaced by then. */
struct carried_order {
    struct master *master;
    pid_t clerk;
    uint32_t id;
};

/* By exit statuses, as enum cmd_status has them. */
static void answer(struct carried_order *o, enum master_outcome outcome, const char *words)
{
    static const int statuses[] = {[MASTER_DONE] = 0, [MASTER_WAITS] = 1, [MASTER_REFUSED] = 2};
    struct clerk_keeper *k = &o->master->clerk;
    struct buf text = {0};

    buf_printf(&text, "%s\n", words);
    if (k->pid == o->clerk) {
        clerk_keeper_answer(k, o->id, statuses[outcome], buf_slice(&text));
    }
    buf_free(&text);
    free(o);
}

static void on_reloaded(void *arg, enum master_outcome outcome, const char *why)
{
    answer(arg, outcome, outcome == MASTER_DONE ? "reloaded" : why);
}

/* The new program's workers are still to come. */
static void on_upgraded(void *arg, enum master_outcome outcome, const char *why)
{
    answer(arg, outcome, outcome == MASTER_DONE ? "the new program takes over" : why);
}

static void carry_out(struct master *m, const struct clerk_head *order)
{
    if (order->order != CLERK_RELOAD && order->order != CLERK_UPGRADE) {
        return;
    }
    struct carried_order *o = xcalloc(1, sizeof(*o));

    *o = (struct carried_order){.master = m, .clerk = m->clerk.pid, .id = order->id};
    if (m->ending) {
        answer(o, MASTER_REFUSED, "Gatepost is ending");
    } else if (order->order == CLERK_UPGRADE) {
        master_upgrade(m, on_upgraded, o);
    } else {
        master_reload(m, on_reloaded, o);
    }
}

void clerk_hear(struct master *m)
{
    struct clerk_head order;

    for (unsigned i = 0; i < HEARD_A_TURN; i++) {
        if (!clerk_keeper_next(&m->clerk, clock_monotonic(), &order)) {
            return;
        }
        carry_out(m, &order);
    }
}

/* ---- the status board ---- */

/* When the process began: perhaps with another program, which has told. */
void clerk_tell(struct master *m)
{
    struct board_master b = {0};

    board_read_master(m->shared.board, &b);
    if (b.pid != getpid()) {
        b = (struct board_master){.pid = getpid(), .began_wall = clock_wall()};
    }
    if (m->serving != NULL) {
        b.reloads += b.generation != 0 && b.generation != m->serving->number;
        b.generation = m->serving->number;
        b.workers = m->serving->workers;
    }
    board_write_master(m->shared.board, &b);
}

/* ---- its life ---- */

void clerk_begin(struct master *m, const struct identity *who)
{
    if (m->has_clerk) {
        return;
    }
    m->has_clerk = true;
    m->clerk_who = *who;
    clerk_keeper_init(&m->clerk, &m->shared, &m->clerk_who);
    clerk_tell(m);
}

void clerk_follow(struct master *m)
{
    const struct conf *conf = m->serving->configuration->conf;
    bool moved =
        strcmp(m->control.path, conf->control) != 0 || !control_socket_is_there(&m->control);
    struct control_socket next;
    struct conf_error error;

    if (moved && control_socket_open(conf, m->file, &next, &error) < 0) {
        log_line(LOG_ERROR, "%s; it stays at %s", error.text, m->control.path);
        moved = false;
    }
    if (moved) {
        control_socket_close(&m->control);
        m->control = next;
    }
    m->clerk_who = m->serving->who;
    if (moved || m->clerk.generation != m->serving->number) {
        clerk_keeper_replace(&m->clerk, clock_monotonic());
    }
}

/* Whose configuration is in force; that of the first workers while they start or end. */
static const struct generation *generation_now(const struct master *m)
{
    if (m->serving != NULL && m->serving->configuration != NULL) {
        return m->serving;
    }
    if (m->reload.next != NULL) {
        return m->reload.next;
    }
    return list_entry(m->generations.next, struct generation, link);
}

static struct clerk_parts parts_now(const struct master *m)
{
    const struct generation *g = generation_now(m);

    return (struct clerk_parts){
        .control = m->control.fd,
        .records = m->records.ends[RECORDS_CLERK],
        .hang_time = g->hang_time,
        .configuration = g->configuration,
        .generation = g->number,
        .run = g->run,
    };
}

usec_t clerk_step(struct master *m)
{
    if (m->ending && !generations_any_lives(m)) {
        clerk_keeper_end(&m->clerk,
                         clock_monotonic()); /* the last one, so that the end can be watched */
        return USEC_NEVER;
    }
    if (!m->has_clerk || list_empty(&m->generations)) {
        return USEC_NEVER;
    }
    struct clerk_parts parts = parts_now(m);
    return clerk_keeper_start_due(&m->clerk, &parts, clock_monotonic());
}

/* What it has said while the master was busy itself is heard before it is judged. */
void clerk_check(struct master *m)
{
    clerk_hear(m);
    clerk_keeper_check(&m->clerk, clock_monotonic(), m->awake_since);
}

void clerk_close_in_child(struct master *m)
{
    clerk_keeper_close(&m->clerk);
    control_socket_forget(&m->control);
}
