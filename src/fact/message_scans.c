/* See fact/message_scans.h. */
#include "fact/message_scans.h"

#include <errno.h>

#include "client/scanners.h"
#include "fact/fact.h"
#include "rt/once.h"

struct message_scans {
    struct message *message;
    struct once once[CONF_SCANNERS];
    struct scan_result results[CONF_SCANNERS];
};

struct message_scans *message_scans_new(struct arena *arena, struct message *message)
{
    struct message_scans *scans = arena_zalloc(arena, sizeof(*scans));

    scans->message = message;
    return scans;
}

static int scan(const struct evidence *e, enum conf_scanner_kind kind)
{
    struct value name = {.state = VALUE_UNKNOWN};
    /* The virus scanner does not ask who sends. */
    int r = kind != CONF_CLAMD && e->resolver != NULL ? fact_client_name(e, NULL, &name) : 0;

    if (r < 0) {
        return r;
    }
    const struct scan_request q = {
        .message = e->scans->message,
        .client = e->client,
        .client_name = name.state == VALUE_KNOWN ? name.text : SLICE_LIT(""),
        .helo = e->helo,
        .sender = e->sender,
        .recipients = e->recipients,
        .recipient_count = e->recipient_count,
        .id = e->decision_id,
        .tls_version = e->tls ? e->tls_version : NULL,
        .wall = e->wall,
    };
    return scanners_scan(e->scanners, kind, &q, e->arena, &e->scans->results[kind]);
}

int message_scan(const struct evidence *e, enum conf_scanner_kind kind,
                 const struct scan_result **ret)
{
    if (e->scanners == NULL || e->scans == NULL || e->message == NULL) {
        return -ENODATA;
    }
    struct once *once = &e->scans->once[kind];
    int r = once_begin(once);
    if (r == 0) {
        r = scan(e, kind);
        once_end(once, r == 0);
    }
    *ret = &e->scans->results[kind];
    return r < 0 ? r : 0;
}
