/* Keys of the ledger, of remembered refusals and of notes: SHA-256 over fields with their lengths
 * in front, so that no two different sets of fields hash the same octets. */
#include <string.h>

#include "base/octets.h"
#include "parse/ascii.h"
#include "store/store.h"

static void add_number(struct digest_stream *d, uint64_t value)
{
    uint8_t octets[8];
    octets_put(octets, sizeof(octets), value);
    digest_stream_update(d, octets, sizeof(octets));
}

/* The local part as it is, because only its own host may interpret it (RFC 5321 2.3.11); the domain
 * in lower case, because case means nothing there (2.4). */
static void add_mailbox(struct digest_stream *d, struct slice mailbox)
{
    const char *at = mailbox.n > 0 ? memrchr(mailbox.p, '@', mailbox.n) : NULL;
    size_t local_n = at != NULL ? (size_t)(at - mailbox.p) : mailbox.n;

    add_number(d, mailbox.n);
    digest_stream_update(d, mailbox.p, local_n);
    while (local_n < mailbox.n) {
        char lower[256];
        size_t n = mailbox.n - local_n;
        if (n > sizeof(lower)) {
            n = sizeof(lower);
        }
        ascii_lower_copy(lower, mailbox.p + local_n, n);
        digest_stream_update(d, lower, n);
        local_n += n;
    }
}

struct digest ledger_key(struct slice sender, struct slice recipient, const struct digest *message)
{
    struct digest_stream *d = digest_stream_new();
    digest_stream_init(d);
    add_mailbox(d, sender);
    add_mailbox(d, recipient);
    digest_stream_update(d, message->octets, sizeof(message->octets));
    struct digest key = digest_stream_finish(d);
    digest_stream_free(d);
    return key;
}

struct digest refusal_key(const struct addr *network, struct slice sender, struct slice recipient)
{
    struct digest_stream *d = digest_stream_new();
    digest_stream_init(d);
    digest_stream_update(d, &network->family, sizeof(network->family));
    digest_stream_update(d, network->octets, sizeof(network->octets));
    add_mailbox(d, sender);
    add_mailbox(d, recipient);
    struct digest key = digest_stream_finish(d);
    digest_stream_free(d);
    return key;
}

struct digest note_key(const struct slice *fields, size_t count)
{
    struct digest_stream *d = digest_stream_new();
    digest_stream_init(d);
    for (size_t i = 0; i < count; i++) {
        add_number(d, fields[i].n);
        digest_stream_update(d, fields[i].p, fields[i].n);
    }
    struct digest key = digest_stream_finish(d);
    digest_stream_free(d);
    return key;
}
