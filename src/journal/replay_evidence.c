/* The evidence that a conversation was, out of its record. */
#include "journal/replay_impl.h"
#include "parse/smtp_address.h"

static struct addr address_of(struct slice text, unsigned port)
{
    struct addr a = {0};

    (void)addr_parse(text, &a); /* what is no address has no family, and is in no table */
    a.port = (uint16_t)port;
    return a;
}

/* "TLSv1.3 TLS_AES_256_GCM_SHA384": the first word. */
static const char *version_of(struct slice tls, struct arena *arena)
{
    const char *blank = tls.n > 0 ? memchr(tls.p, ' ', tls.n) : NULL;
    const size_t n = blank != NULL ? (size_t)(blank - tls.p) : tls.n;

    return arena_copy(arena, (struct slice){tls.p, n}).p;
}

/* No session lasts that long. */
#define SESSION_MOST (366 * 86400 * USEC_SEC)
/* Behind the year 9999 RFC 3339 has no word for it. */
#define TIME_MOST (253402300799 * USEC_SEC)

static usec_t within(usec_t t, usec_t most)
{
    return t < 0 ? 0 : t < most ? t : most;
}

usec_t replay_at(const struct replay *p, usec_t offset)
{
    const struct journal_record *r = p->record;

    if (offset < 0) {
        offset = r->timeline.decided >= 0 ? r->timeline.decided : r->duration;
    }
    return within(offset, SESSION_MOST);
}

static struct message message_of(const struct journal_record *r)
{
    return (struct message){
        .spool.size = r->size,
        .received_count = r->received,
        .longest_line = r->longest_line,
        .by_bdat = r->binary,
        .bare_cr_or_lf = r->binary,
    };
}

void replay_evidence(struct replay *p)
{
    const struct journal_record *r = p->record;

    p->accepted_wall = within(r->time, TIME_MOST) - replay_at(p, r->timeline.decided);
    p->message = message_of(r);
    p->evidence = (struct evidence){
        .conf = p->setup.conf,
        .ops = &replay_evidence_ops,
        .owner = p,
        .memos = {p->memos[SCOPE_CONNECTION], p->memos[SCOPE_TRANSACTION], NULL},
        .client = address_of(r->client, r->port),
        .local = address_of(r->local, 0),
        .listener = r->listener.n > 0 ? arena_copy(&p->arena, r->listener).p : NULL,
        .wall = p->accepted_wall,
        .tls = r->tls.n > 0,
        .tls_version = r->tls.n > 0 ? version_of(r->tls, &p->arena) : NULL,
        .helo = r->helo,
        .rcpt_failures = r->failures_before,
        .sender = r->sender,
        .size_declared = r->size_declared,
        .arena = &p->arena,
    };
}
