/* See route/recipient_notes.h. A note: version 1, "y" or "n", when it was made (microseconds since
 * 1970, 8 octets, most significant first); for "n" the code (2), the length of its enhanced code
 * (1), and both texts. */
#include "route/recipient_notes.h"

#include <string.h>

#include "base/buf.h"
#include "base/octets.h"
#include "parse/ascii.h"

#define VERSION     1
#define YES_LEN     10
#define NO_HEAD_LEN 13
/* More than this of a server's text is not kept: guessed addresses leave a note each. */
#define TEXT_MAX_KEPT 160
/* A yes is written again when this part of its time is over, not for each message. */
#define FRESH_PART 4

/* With its domain in lower case. */
static struct digest key_of(const struct conf_route *server, struct slice mailbox)
{
    char domain[256];
    const char *at = mailbox.n > 0 ? memrchr(mailbox.p, '@', mailbox.n) : NULL;
    size_t local_n = at != NULL ? (size_t)(at - mailbox.p) : mailbox.n;
    size_t n = mailbox.n - local_n;
    n = n < sizeof(domain) ? n : sizeof(domain);
    ascii_lower_copy(domain, mailbox.p + local_n, n);
    const struct slice fields[] = {slice_of(server->name), {mailbox.p, local_n}, {domain, n}};
    return note_key(fields, sizeof(fields) / sizeof(fields[0]));
}

/* The key of a no that may be meant for this sender, or this client, alone. */
static struct digest asker_key(const struct conf_route *server, const struct recipient_question *q)
{
    struct addr network = addr_network(&q->envelope->origin.client);
    struct digest asker = refusal_key(&network, q->envelope->sender, q->mailbox);
    const struct slice fields[] = {slice_of(server->name), {(char *)asker.octets, DIGEST_LEN}};
    return note_key(fields, sizeof(fields) / sizeof(fields[0]));
}

/* Is it still of use? The limit may have been lowered since, and the clock set back. */
static bool is_within(const uint8_t *note, usec_t wall, usec_t time)
{
    usec_t made = (usec_t)octets_get(note + 2, 8);
    return made <= wall && wall - made < time;
}

static bool take_no(const uint8_t *p, size_t n, struct arena *arena, struct answer *ret)
{
    size_t enhanced_n = n >= NO_HEAD_LEN ? p[12] : 0;
    unsigned code = n >= NO_HEAD_LEN ? (unsigned)octets_get(p + 10, 2) : 0;
    if (code < 500 || code > 599 || NO_HEAD_LEN + enhanced_n > n) {
        return false;
    }
    const char *texts = (const char *)p + NO_HEAD_LEN;
    *ret = (struct answer){
        .code = (uint16_t)code,
        .enhanced = arena_copy(arena, (struct slice){texts, enhanced_n}),
        .text = arena_copy(arena, (struct slice){texts + enhanced_n, n - NO_HEAD_LEN - enhanced_n}),
        .from_hop = true,
        .source = SOURCE_CACHE,
    };
    return true;
}

static enum recipient_note find(struct store *store, const struct conf *conf,
                                const struct digest *key, usec_t wall, struct arena *arena,
                                struct answer *ret)
{
    const struct conf_limits *l = &conf->limits;
    uint8_t note[NOTE_MAX];
    size_t n;
    if (note_find(store, NOTE_RECIPIENT, key, wall, note, sizeof(note), &n) != 1 || n < YES_LEN ||
        note[0] != VERSION) {
        return RECIPIENT_NOTE_NONE;
    }
    if (note[1] == 'y' && n == YES_LEN && is_within(note, wall, l->recipient_yes_time)) {
        return RECIPIENT_NOTE_YES;
    }
    bool no = note[1] == 'n' && is_within(note, wall, l->recipient_no_time) &&
              take_no(note, n, arena, ret);
    return no ? RECIPIENT_NOTE_NO : RECIPIENT_NOTE_NONE;
}

enum recipient_note recipient_note_find(struct store *store, const struct conf *conf,
                                        const struct conf_route *server,
                                        const struct recipient_question *q, usec_t wall,
                                        struct answer *ret)
{
    struct digest any = key_of(server, q->mailbox), asker = asker_key(server, q);
    enum recipient_note note = find(store, conf, &any, wall, q->arena, ret);
    bool no = note != RECIPIENT_NOTE_NO &&
              find(store, conf, &asker, wall, q->arena, ret) == RECIPIENT_NOTE_NO;
    return no ? RECIPIENT_NOTE_NO : note;
}

static void keep_yes(struct store *store, const struct conf *conf, const struct digest *key,
                     usec_t wall)
{
    usec_t time = conf->limits.recipient_yes_time;
    uint8_t note[NOTE_MAX];
    size_t n;
    bool fresh = note_find(store, NOTE_RECIPIENT, key, wall, note, sizeof(note), &n) == 1 &&
                 n == YES_LEN && note[0] == VERSION && note[1] == 'y' &&
                 is_within(note, wall, time / FRESH_PART);
    if (fresh || time == 0) {
        return;
    }
    note[0] = VERSION;
    note[1] = 'y';
    octets_put(note + 2, 8, (uint64_t)wall);
    note_keep(store, NOTE_RECIPIENT, key, note, YES_LEN, wall, wall + time);
}

static void keep_no(struct store *store, const struct conf *conf, const struct digest *key,
                    usec_t wall, const struct answer *answer)
{
    usec_t time = conf->limits.recipient_no_time;
    uint8_t note[NOTE_MAX];
    size_t enhanced_n = answer->enhanced.n < 16 ? answer->enhanced.n : 0;
    size_t text_n = answer->text.n < TEXT_MAX_KEPT ? answer->text.n : TEXT_MAX_KEPT;
    note[0] = VERSION;
    note[1] = 'n';
    octets_put(note + 2, 8, (uint64_t)wall);
    octets_put(note + 10, 2, answer->code);
    note[12] = (uint8_t)enhanced_n;
    if (enhanced_n > 0) {
        memcpy(note + NO_HEAD_LEN, answer->enhanced.p, enhanced_n);
    }
    if (text_n > 0) {
        memcpy(note + NO_HEAD_LEN + enhanced_n, answer->text.p, text_n);
    }
    if (time > 0) {
        note_keep(store, NOTE_RECIPIENT, key, note, NO_HEAD_LEN + enhanced_n + text_n, wall,
                  wall + time);
    } else {
        note_drop(store, NOTE_RECIPIENT, key, wall);
    }
}

void recipient_note_keep(struct store *store, const struct conf *conf,
                         const struct conf_route *server, const struct recipient_question *q,
                         usec_t wall, const struct answer *answer)
{
    struct digest any = key_of(server, q->mailbox);
    if (answer_is_yes(answer)) {
        keep_yes(store, conf, &any, wall);
    } else if (answer_says_unknown(answer) && answer->enhanced.n > 0) {
        keep_no(store, conf, &any, wall, answer);
    } else if (answer_says_unknown(answer)) {
        struct digest asker = asker_key(server, q);
        keep_no(store, conf, &asker, wall, answer);
    }
}

void recipient_note_drop(struct store *store, const struct conf_route *server, struct slice mailbox,
                         usec_t wall)
{
    struct digest key = key_of(server, mailbox);
    note_drop(store, NOTE_RECIPIENT, &key, wall);
}
