/* What is done with records; their octets are in store/record_octets.c. */
#include "store/record.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "base/fatal.h"

#define HOUR ((usec_t)3600 * USEC_SEC)
#define DAY  (24 * HOUR)

/* Kept for so long after it was last seen: */
#define STRANGER_FOR     (60 * DAY)  /* a name none of whose mail was accepted */
#define ACQUAINTANCE_FOR (400 * DAY) /* a name with accepted mail, a correspondent */
#define PASSER_FOR       (7 * DAY)   /* a client, a recipient */

#define DIGEST_TEXT      32    /* hexadecimal digits of the digest at the end of a cut name */
#define TOO_LITTLE       1e-6F /* what decays to less is nothing */
#define TOO_MUCH         1e30F

/* Of record_worth, each alone. What a stranger can bring about by himself is worth less than
 * mail that was accepted once. */
#define WORTH_SEEN         1.0
#define WORTH_DEFERRED     2.0 /* must not be lost before the sender comes back */
#define WORTH_OF_OURS      3.0 /* a recipient: there are only so many */
#define WORTH_BAD_MOST     5.0
#define WORTH_ACCEPTED     8.0
#define WORTH_RETURNED     16.0
#define WORTH_CORRESPONDED 24.0
#define WORTH_PROVEN       32.0
#define WORTH_BAN          1e9
#define WORTH_HALF_AFTER   (14 * DAY)

/* ---- names and notes ---- */

static void put_digest(char ret[static DIGEST_TEXT], struct slice name)
{
    static const char digits[] = "0123456789abcdef";
    struct digest_stream *d = digest_stream_new();
    digest_stream_init(d);
    digest_stream_update(d, name.p, name.n);
    struct digest digest = digest_stream_finish(d);
    digest_stream_free(d);
    for (size_t i = 0; i < DIGEST_TEXT; i++) {
        ret[i] = digits[digest.octets[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    }
}

struct slice record_name_cut(struct slice name, char room[static RECORD_NAME_MAX])
{
    if (name.n <= RECORD_NAME_MAX) {
        return name;
    }
    memcpy(room, name.p, RECORD_NAME_MAX - DIGEST_TEXT);
    put_digest(room + RECORD_NAME_MAX - DIGEST_TEXT, name);
    return (struct slice){room, RECORD_NAME_MAX};
}

void record_init(struct record *ret, enum record_kind kind, struct slice name, usec_t wall)
{
    char room[RECORD_NAME_MAX];
    struct slice cut = record_name_cut(name, room);
    memset(ret, 0, sizeof(*ret));
    ret->kind = (uint8_t)kind;
    ret->first = ret->last = wall;
    ret->name_n = (uint16_t)cut.n;
    if (cut.n > 0) {
        memcpy(ret->name, cut.p, cut.n);
    }
}

struct slice record_name(const struct record *r)
{
    return (struct slice){r->name, r->name_n};
}

struct slice record_note(const struct record *r)
{
    return (struct slice){r->note, r->note_n};
}

void record_set_note(struct record *r, struct slice note)
{
    size_t n = note.n < RECORD_NOTE_MAX ? note.n : RECORD_NOTE_MAX;
    memset(r->note, 0, sizeof(r->note));
    if (n > 0) {
        memcpy(r->note, note.p, n);
    }
    r->note_n = (uint16_t)n;
}

/* ---- decay ---- */

static float decayed(float value, double factor)
{
    float now = (float)(value * factor);
    return now < TOO_LITTLE ? 0 : now;
}

void record_decay(struct record *r, const struct record_rules *rules, usec_t wall)
{
    if (wall <= r->last) {
        return;
    }
    double since = (double)wall - (double)r->last;
    double tally = rules->half_life > 0 ? exp2(-since / (double)rules->half_life) : 1;
    double rate = exp(-since / (double)HOUR);
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        r->tally[i] = decayed(r->tally[i], tally);
    }
    for (size_t i = 0; i < RATE_COUNT; i++) {
        r->rate[i] = decayed(r->rate[i], rate);
    }
    r->last = wall;
}

void record_clamp(struct record *r, usec_t wall)
{
    uint32_t today = (uint32_t)(wall / DAY);
    r->first = r->first > wall ? wall : r->first;
    r->last = r->last > wall ? wall : r->last;
    r->returned = r->returned > wall ? wall : r->returned;
    r->day = r->day > today ? today : r->day;
}

/* ---- adding ---- */

static usec_t later(usec_t a, usec_t b)
{
    return a > b ? a : b;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static float sum(float a, float b)
{
    return a > TOO_MUCH - b ? TOO_MUCH : a + b;
}

/* Days that both count are counted once. Where the earlier one may have counted the later one's
 * days as well, too few are counted rather than too many. */
static void add_days(struct record *r, uint32_t day, uint32_t days)
{
    if (days == 0) {
        return;
    }
    bool newer = day > r->day;
    uint32_t low = newer ? r->days : days;
    uint32_t high = newer ? days : r->days;
    if (day != r->day && low < UINT32_MAX) {
        low++;
    }
    r->days = r->days == 0 ? days : low > high ? low : high;
    r->day = newer ? day : r->day;
}

void record_add(struct record *r, const struct record *delta, const struct record_rules *rules)
{
    struct record d = *delta;
    record_decay(r, rules, d.last);
    record_decay(&d, rules, r->last);
    r->first = earlier(r->first, d.first);
    r->last = later(r->last, d.last);
    r->returned = later(r->returned, d.returned);
    r->until = later(r->until, d.until);
    add_days(r, d.day, d.days);
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        r->tally[i] = sum(r->tally[i], d.tally[i]);
    }
    for (size_t i = 0; i < RATE_COUNT; i++) {
        r->rate[i] = sum(r->rate[i], d.rate[i]);
    }
    if (d.note_n > 0) {
        record_set_note(r, record_note(&d));
    }
}

/* ---- what it says ---- */

bool record_is_proven(const struct record *r)
{
    return r->days >= 2 &&
           (r->kind == RECORD_HOST || r->kind == RECORD_SPF || r->kind == RECORD_DKIM);
}

bool record_has_returned(const struct record *r, const struct record_rules *rules, usec_t wall)
{
    return r->returned != 0 && (wall < r->returned || wall - r->returned < rules->returned_time);
}

double record_good(const struct record *r)
{
    return r->tally[TALLY_ACCEPTED];
}

double record_bad(const struct record *r)
{
    double bad = r->tally[TALLY_TRAP];
    for (size_t i = TALLY_REFUSED_CONNECT; i <= TALLY_REFUSED_MESSAGE; i++) {
        bad += r->tally[i];
    }
    return bad;
}

/* ---- how long, and how much ---- */

static usec_t after(usec_t time, usec_t more)
{
    return time > USEC_NEVER - more ? USEC_NEVER : time + more;
}

static usec_t deferral_expires(const struct record *r, const struct record_rules *rules)
{
    return r->returned != 0 ? after(r->returned, rules->returned_time)
                            : after(r->first, rules->window);
}

usec_t record_expires(const struct record *r, const struct record_rules *rules)
{
    switch ((enum record_kind)r->kind) {
    case RECORD_CLIENT:
        return later(after(r->last, PASSER_FOR),
                     r->note_n > 0 ? after(r->last, rules->returned_time) : 0);
    case RECORD_RECIPIENT: return after(r->last, PASSER_FOR);
    case RECORD_DEFERRAL: return deferral_expires(r, rules);
    case RECORD_CORRESPONDENT: return after(r->last, ACQUAINTANCE_FOR);
    case RECORD_BAN: return r->until;
    case RECORD_NETWORK:
    case RECORD_HOST:
    case RECORD_SPF:
    case RECORD_DKIM:
    case RECORD_KINDS: break;
    }
    return after(r->last, r->days > 0 || r->returned != 0 ? ACQUAINTANCE_FOR : STRANGER_FOR);
}

static double worth_of_kind(const struct record *r)
{
    switch ((enum record_kind)r->kind) {
    case RECORD_RECIPIENT: return WORTH_OF_OURS;
    case RECORD_DEFERRAL: return WORTH_DEFERRED;
    case RECORD_CORRESPONDENT: return WORTH_CORRESPONDED;
    default: return WORTH_SEEN;
    }
}

double record_worth(const struct record *r, usec_t wall)
{
    if (r->kind == RECORD_BAN) {
        return r->until > wall ? WORTH_BAN : 0;
    }
    double bad = log2(1 + record_bad(r));
    double worth = worth_of_kind(r) + (bad < WORTH_BAD_MOST ? bad : WORTH_BAD_MOST);
    if (r->days > 0) {
        worth += WORTH_ACCEPTED + log2(1 + record_good(r));
    }
    worth += r->returned != 0 ? WORTH_RETURNED : 0;
    worth += record_is_proven(r) ? WORTH_PROVEN : 0;
    double age = wall > r->last ? (double)wall - (double)r->last : 0;
    return worth / (1 + age / (double)WORTH_HALF_AFTER);
}

bool record_is_telling(const struct record *r)
{
    return r->days > 0 || r->returned != 0 || r->kind == RECORD_CORRESPONDENT ||
           r->kind == RECORD_BAN;
}

/* ---- what things are called ---- */

const char *record_kind_name(enum record_kind kind)
{
    switch (kind) {
    case RECORD_CLIENT: return "client";
    case RECORD_NETWORK: return "network";
    case RECORD_HOST: return "host";
    case RECORD_SPF: return "spf";
    case RECORD_DKIM: return "dkim";
    case RECORD_RECIPIENT: return "recipient";
    case RECORD_DEFERRAL: return "deferral";
    case RECORD_CORRESPONDENT: return "correspondent";
    case RECORD_BAN: return "ban";
    case RECORD_KINDS: break;
    }
    panic("record of kind %d", (int)kind);
}

const char *record_tally_name(enum record_tally tally)
{
    switch (tally) {
    case TALLY_ACCEPTED: return "accepted";
    case TALLY_REFUSED_CONNECT: return "refused at connect";
    case TALLY_REFUSED_HELO: return "refused at helo";
    case TALLY_REFUSED_MAIL: return "refused at mail";
    case TALLY_REFUSED_RCPT: return "refused at rcpt";
    case TALLY_REFUSED_MESSAGE: return "refused at message";
    case TALLY_DEFERRED: return "deferred";
    case TALLY_RETURNED: return "returned";
    case TALLY_UNKNOWN_RECIPIENT: return "unknown recipients";
    case TALLY_TRAP: return "traps";
    case TALLY_COUNT: break;
    }
    panic("tally %d", (int)tally);
}

const char *record_rate_name(enum record_rate rate)
{
    switch (rate) {
    case RATE_CONNECTIONS: return "connections";
    case RATE_MESSAGES: return "messages";
    case RATE_RECIPIENTS: return "recipients";
    case RATE_OCTETS: return "bytes";
    case RATE_UNKNOWN_RECIPIENTS: return "unknown recipients";
    case RATE_COUNT: break;
    }
    panic("rate %d", (int)rate);
}
