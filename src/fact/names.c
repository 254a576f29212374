/* See fact/names.h. What each name rests on is found out elsewhere, and only once: the client's
 * name for the connection (fact/known_client.h), SPF and DKIM for the transaction
 * (fact/sender_checks.h). */
#include "fact/names.h"

#include <errno.h>

#include "fact/fact.h"
#include "fact/known_client.h"
#include "fact/sender_checks.h"
#include "parse/ascii.h"
#include "parse/organisation.h"

static void add(struct names *n, enum record_kind kind, struct slice name)
{
    if (name.n > 0 && n->count < NAMES_MOST) {
        n->item[n->count].kind = kind;
        n->item[n->count++].name = name;
    }
}

static void add_network(const struct evidence *e, struct names *n)
{
    char text[MEMORY_ADDRESS_MAX];

    add(n, RECORD_NETWORK, arena_copy(e->arena, memory_network_name(&e->client, text)));
}

static void add_host(const struct evidence *e, struct slice client_name, struct names *n)
{
    add(n, RECORD_HOST, arena_copy(e->arena, organisation_of(client_name)));
}

static void add_spf(const struct evidence *e, const struct spf_outcome *spf, struct names *n)
{
    if (spf->result == AUTH_PASS) {
        add(n, RECORD_SPF, ascii_lowered(e->arena, spf->domain));
    }
}

static void add_author(const struct evidence *e, struct slice domain, struct names *n)
{
    add(n, RECORD_DKIM, ascii_lowered(e->arena, domain));
}

/* ---- looking up ---- */

/* Does it speak for itself alone? Who may be a forwarder, speaks for others perhaps. */
static int speaks_for_itself(const struct evidence *e, bool *ret)
{
    bool forwarder;
    const int r = sender_by_forwarder(e, &forwarder);

    *ret = r == 0 && !forwarder;
    return r == -ECANCELED ? r : 0;
}

static int find_host(const struct evidence *e, struct names *n)
{
    struct value name;
    const int r = e->resolver != NULL ? fact_client_name(e, NULL, &name) : -ENODATA;

    if (r == 0 && name.state == VALUE_KNOWN) {
        add_host(e, name.text, n);
    }
    return r == -ECANCELED ? r : 0;
}

static int find_spf(const struct evidence *e, struct names *n)
{
    const struct spf_outcome *spf;
    bool own;
    int r = speaks_for_itself(e, &own);

    if (r < 0 || !own) {
        return r;
    }
    r = sender_spf(e, &spf);
    if (r == 0) {
        add_spf(e, spf, n);
    }
    return r == -ECANCELED ? r : 0;
}

static int find_author(const struct evidence *e, struct names *n)
{
    struct value result, author;
    bool own;
    int r = speaks_for_itself(e, &own);

    if (r < 0 || !own) {
        return r;
    }
    r = fact_dkim(e, NULL, &result);
    if (r < 0 || result.state != VALUE_KNOWN || result.number != AUTH_PASS) {
        return r;
    }
    r = fact_from_domain(e, NULL, &author);
    if (r == 0 && author.state == VALUE_KNOWN) {
        add_author(e, author.text, n);
    }
    return r;
}

static int find_of_envelope(const struct evidence *e, struct names *ret)
{
    struct names n = {0};

    add_network(e, &n);
    int r = find_host(e, &n);
    if (r == 0 && e->checks != NULL) {
        r = find_spf(e, &n);
    }
    if (r == 0) {
        *ret = n;
    }
    return r;
}

/* Once for the transaction; 1: it was done before. */
static int envelope_names(const struct evidence *e, struct sender_checks *c)
{
    int r = once_begin(&c->envelope_names_once);

    if (r == 0) {
        r = find_of_envelope(e, &c->names);
        once_end(&c->envelope_names_once, r == 0);
    }
    return r;
}

static int message_names(const struct evidence *e, struct sender_checks *c)
{
    int r = once_begin(&c->message_names_once);

    if (r == 0) {
        r = find_author(e, &c->names);
        once_end(&c->message_names_once, r == 0);
    }
    return r;
}

int names_find(const struct evidence *e, struct names *ret)
{
    struct sender_checks *c = e->checks;

    if (c == NULL) {
        return find_of_envelope(e, ret);
    }
    int r = envelope_names(e, c);
    if (r >= 0 && e->message != NULL) {
        r = message_names(e, c);
    }
    if (r < 0) {
        return r;
    }
    *ret = c->names;
    return 0;
}

/* ---- what is known by now ---- */

struct slice names_organisation(const struct evidence *e)
{
    const struct known_client *k = e->known_client;

    return k != NULL && k->once.done && k->names.name_state == DNS_ANSWER
               ? organisation_of(k->names.name)
               : SLICE_LIT("");
}

/* SPF is only ever checked for a client that is known to be no forwarder, or for the host that had
 * the message from somebody else. */
static void add_known_checks(const struct evidence *e, const struct sender_checks *c,
                             struct names *n)
{
    const struct message_origin *origin = &c->origin;

    if (!c->origin_once.done || !origin->known || origin->forwarded) {
        return;
    }
    if (c->spf_once.done) {
        add_spf(e, &c->spf, n);
    }
    if (c->dmarc_once.done && c->dmarc.aligned_dkim.n > 0) {
        add_author(e, c->dmarc.from, n);
    }
}

void names_known(const struct evidence *e, struct names *ret)
{
    const struct sender_checks *c = e->checks;

    if (c != NULL && c->message_names_once.done) {
        *ret = c->names;
        return;
    }
    *ret = (struct names){0};
    add_network(e, ret);
    add(ret, RECORD_HOST, arena_copy(e->arena, names_organisation(e)));
    if (c != NULL) {
        add_known_checks(e, c, ret);
    }
}
