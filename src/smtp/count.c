/* What sessions and guests add to the counters (tbl/counters.h). */
#include "smtp/count.h"

#include <stddef.h>
#include <string.h>

static uint64_t *counter(struct counters *c, size_t offset)
{
    return (uint64_t *)(void *)((char *)c + offset);
}

void count_end(struct counters *c, const char *phase, const char *verdict)
{
    static const struct {
        const char *verdict;
        const char *phase; /* NULL: any */
        size_t offset;
    } rows[] = {
        {"accepted", NULL, offsetof(struct counters, accepted)},
        {"deferred", NULL, offsetof(struct counters, deferred)},
        {"gone", NULL, offsetof(struct counters, gone)},
        {"ended", NULL, offsetof(struct counters, ended)},
        {"refused", "connect", offsetof(struct counters, refused_connect)},
        {"refused", "helo", offsetof(struct counters, refused_helo)},
        {"refused", "mail", offsetof(struct counters, refused_mail)},
        {"refused", "rcpt", offsetof(struct counters, refused_rcpt)},
        {"refused", "data", offsetof(struct counters, refused_data)},
        {"refused", "message", offsetof(struct counters, refused_message)},
        {"refused", "commit", offsetof(struct counters, refused_commit)},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].verdict, verdict) == 0 &&
            (rows[i].phase == NULL || strcmp(rows[i].phase, phase) == 0)) {
            ++*counter(c, rows[i].offset);
            return;
        }
    }
}

void count_goodbye(struct counters *c, enum reply_name name)
{
    switch (name) {
    case REPLY_DRAINING: c->draining_421++; break;
    case REPLY_SERVER_FULL: c->server_full_421++; break;
    case REPLY_MAKE_ROOM: c->make_room_421++; break;
    case REPLY_NO_DESCRIPTOR: c->no_descriptor_421++; break;
    case REPLY_CLIENT_FULL: c->client_full_421++; break;
    case REPLY_NETWORK_FULL: c->network_full_421++; break;
    case REPLY_CLIENT_RATE: c->client_rate_421++; break;
    case REPLY_NETWORK_RATE: c->network_rate_421++; break;
    case REPLY_NO_MEMORY: c->no_memory_421++; break;
    case REPLY_IDLE: c->idle_421++; break;
    case REPLY_SESSION_TIME: c->session_time_421++; break;
    case REPLY_SLOW: c->slow_421++; break;
    case REPLY_COMMANDS: c->commands_421++; break;
    case REPLY_ERRORS: c->errors_421++; break;
    default: break;
    }
}

void count_rcpt(struct counters *c, const struct answer *a)
{
    if (answer_is_yes(a)) {
        c->rcpt_accepted++;
    } else if (answer_is_no(a)) {
        c->rcpt_refused++;
    } else if (a->code != 0) {
        c->rcpt_deferred++;
    }
}
