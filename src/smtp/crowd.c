/* See crowd.h. All of this runs on the loop, outside any task: nothing here waits. */
#include "smtp/crowd.h"

#include <errno.h>

#include "smtp/session.h"

/* Places that other workers' sessions give free are looked for so often while somebody waits. */
#define LOOK_AGAIN (50 * USEC_MSEC)

/* Of those at the head of the queue that are tried at a time: where their networks have too many
 * already, those behind them may go first. */
#define TRIED_MOST 32

/* How often sessions are looked through for some that may be ended, and how many at a time: those
 * of a crowd began together, and would all come back together. */
#define MAKE_ROOM_EVERY (250 * USEC_MSEC)
#define MAKE_ROOM_FOR   16

#define GOOD_RANKS      (CROWD_RANKS / 2)

uint8_t crowd_rank(unsigned network)
{
    uint8_t rank = 0;
    while (network > 0 && rank < GOOD_RANKS - 1) {
        network /= 2;
        rank++;
    }
    return rank;
}

/* Will it be refused anyway? */
static bool is_bad(const struct guest *g)
{
    return g->early || ruling_is(&g->ruling, RULE_REJECT) || ruling_is(&g->ruling, RULE_DEFER);
}

void crowd_enlist(struct guest *g)
{
    struct smtp_server *srv = g->server;
    bool queued = g->state == GUEST_QUEUED;
    list_remove(&g->link);
    if (queued && ruling_is(&g->ruling, RULE_TRUST)) {
        g->rank = 0;
        list_push_front(&srv->queue[0], &g->link);
        return;
    }
    if (is_bad(g) && g->rank < GOOD_RANKS) {
        g->rank = (uint8_t)(g->rank + GOOD_RANKS);
    }
    list_push_back(queued ? &srv->queue[g->rank] : &srv->waiting[g->rank], &g->link);
}

/* The one that came last, of the worst. */
static struct guest *worst_behind(const struct smtp_server *srv, uint8_t rank)
{
    for (uint8_t r = CROWD_RANKS; r-- > rank + 1;) {
        const struct list *list = !list_empty(&srv->queue[r]) ? &srv->queue[r] : &srv->waiting[r];
        if (!list_empty(list)) {
            return list_entry(list->prev, struct guest, link);
        }
    }
    return NULL;
}

bool crowd_make_way(const struct guest *g)
{
    struct guest *worst = worst_behind(g->server, g->rank);
    if (worst != NULL) {
        guest_turn_away(worst, REPLY_SERVER_FULL);
    }
    return worst != NULL;
}

/* ---- sessions that keep us waiting ---- */

/* How long the client has kept us waiting for commands since its last message, or its greeting. */
static usec_t idle_for(const struct session *s)
{
    return s->kept_waiting +
           (s->awaiting != NULL ? rt_now_of(s->server->rt) - s->awaiting_since : 0);
}

/* Tells some sessions, those first that have lasted longest, that others need their place. */
static void make_room(struct smtp_server *srv)
{
    usec_t now = rt_now_of(srv->rt);
    unsigned n = srv->queued < MAKE_ROOM_FOR ? srv->queued : MAKE_ROOM_FOR;
    if (now < srv->room_made_at + MAKE_ROOM_EVERY) {
        return;
    }
    srv->room_made_at = now;
    list_for_each (it, &srv->sessions) {
        struct session *s = list_entry(it, struct session, link);
        if (n == 0) {
            return;
        }
        if (s->awaiting != NULL && s->awaiting->cancelled == 0 && !judge_trusts(s) &&
            idle_for(s) >= srv->conf->limits.full_idle_time) {
            scope_cancel(s->awaiting, -EBUSY);
            n--;
        }
    }
}

/* ---- the queue ---- */

static struct guest *first_in(const struct list *queue)
{
    return list_empty(queue) ? NULL : list_entry(queue->next, struct guest, link);
}

/* Gives what places there are to those at the head; false when there are none left. */
static bool serve_rank(struct smtp_server *srv, struct list *queue, unsigned *tries)
{
    struct list later; /* whose networks have too many just now; they stay in front */
    struct guest *g;
    bool places = true;
    list_init(&later);
    while (places && *tries > 0 && (g = first_in(queue)) != NULL) {
        (*tries)--;
        enum smtp_admission a =
            srv->gate.greet(srv->gate.arg, &g->client, ruling_is(&g->ruling, RULE_TRUST), g->rank);
        if (a == SMTP_ADMITTED) {
            g->greeted = true;
            guest_begin(g, g->judged);
        } else if (a == SMTP_NETWORK_FULL) {
            list_remove(&g->link);
            list_push_back(&later, &g->link);
        } else {
            places = false;
        }
    }
    while (!list_empty(&later)) {
        struct list *last = later.prev;
        list_remove(last);
        list_push_front(queue, last);
    }
    return places;
}

static void serve(void *arg)
{
    struct smtp_server *srv = arg;
    unsigned tries = TRIED_MOST;
    bool places = true;
    for (unsigned r = 0; r < CROWD_RANKS && places && srv->queued > 0; r++) {
        places = serve_rank(srv, &srv->queue[r], &tries);
    }
    if (srv->queued > 0) {
        make_room(srv);
        rt_timer_set(srv->rt, &srv->queue_timer, rt_now_of(srv->rt) + LOOK_AGAIN);
    }
}

void crowd_queue(struct guest *g, bool judged)
{
    struct smtp_server *srv = g->server;
    usec_t most = srv->conf->limits.shed_time;
    if (most == 0) {
        guest_farewell(g, REPLY_SERVER_FULL);
        return;
    }
    g->judged = judged;
    guest_wait(g, GUEST_QUEUED, rt_now_of(srv->rt) + most);
    srv->counts->queued++;
    if (srv->queue_timer.heap_index == 0) {
        rt_timer_set(srv->rt, &srv->queue_timer, rt_now_of(srv->rt) + LOOK_AGAIN);
    }
}

void crowd_place_free(struct smtp_server *srv)
{
    if (srv->queued > 0) {
        rt_later_set(srv->rt, &srv->queue_later);
    }
}

void crowd_init(struct smtp_server *srv)
{
    for (unsigned r = 0; r < CROWD_RANKS; r++) {
        list_init(&srv->waiting[r]);
        list_init(&srv->queue[r]);
    }
    srv->queue_timer = (struct rt_timer){.fn = serve, .arg = srv};
    rt_later_init(&srv->queue_later, serve, srv);
}

void crowd_fini(struct smtp_server *srv)
{
    rt_timer_clear(srv->rt, &srv->queue_timer);
    rt_later_clear(&srv->queue_later);
}
