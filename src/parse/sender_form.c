/* See parse/sender_form.h. The local part is changed by steps until none has anything to do; each
 * makes it shorter, or has `#` stand for what had other octets. So the form of a form is itself. */
#include "parse/sender_form.h"

#include <stdint.h>

#include "parse/ascii.h"

/* The local part, in lower case. */
struct local {
    char *p;
    size_t n;
};

static struct slice part_of(const struct local *l, size_t from, size_t to)
{
    return (struct slice){l->p + from, to - from};
}

/* Where `c` stands from `from` on; l->n: nowhere. */
static size_t find(const struct local *l, size_t from, char c)
{
    const char *at = from < l->n ? memchr(l->p + from, c, l->n - from) : NULL;

    return at != NULL ? (size_t)(at - l->p) : l->n;
}

/* Leaves that piece of it alone. */
static bool keep(struct local *l, struct slice piece)
{
    memmove(l->p, piece.p, piece.n);
    l->n = piece.n;
    return true;
}

/* ---- quotes ---- */

/* Quotes around what needs none; a local part that needs them stays as it is. */
static bool unquote(struct local *l)
{
    if (l->n < 3 || l->p[0] != '"' || l->p[l->n - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < l->n - 1; i++) {
        const int c = (unsigned char)l->p[i];
        if (!ascii_is_let_dig(c) && (c == 0 || strchr("!#$%&'*+-/=?^_`{|}~.", c) == NULL)) {
            return false;
        }
    }
    return keep(l, part_of(l, 1, l->n - 1));
}

/* ---- BATV: draft-levine-smtp-batv, and what others made of it ---- */

/* A key's number, three digits of a day, six hexadecimal ones. */
static bool is_tag(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_digit(s.p[i]) && (i < 4 || s.p[i] < 'a' || s.p[i] > 'f')) {
            return false;
        }
    }
    return s.n == 10;
}

/* prvs=TAG=local; some have it the other way round, prvs=local=TAG or prvs=local/TAG. */
static bool undo_prvs(struct local *l, size_t from)
{
    const size_t equals = find(l, from, '=');
    const size_t middle = equals < l->n ? equals : find(l, from, '/');

    if (middle == from || middle + 1 >= l->n) {
        return false;
    }
    const struct slice first = part_of(l, from, middle), second = part_of(l, middle + 1, l->n);
    return keep(l, is_tag(second) && !is_tag(first) ? first : second);
}

/* btv1==TAG==local */
static bool undo_btv(struct local *l, size_t from)
{
    const size_t middle = find(l, from, '=');

    if (middle + 2 >= l->n || l->p[middle + 1] != '=') {
        return false;
    }
    return keep(l, part_of(l, middle + 2, l->n));
}

static bool undo_batv(struct local *l)
{
    const struct slice all = {l->p, l->n};
    struct slice rest;

    if (slice_prefix(all, "prvs=", &rest) || slice_prefix(all, "msprvs1=", &rest)) {
        return undo_prvs(l, l->n - rest.n);
    }
    return slice_prefix(all, "btv1==", &rest) && undo_btv(l, l->n - rest.n);
}

/* ---- SRS ---- */

/* Is it SRS of this kind? Then *ret is where its first field begins. The separator behind the name
 * may be any of three; all others are "=". */
static bool is_srs(const struct local *l, const char *name, size_t *ret)
{
    struct slice rest;

    if (!slice_prefix((struct slice){l->p, l->n}, name, &rest) || rest.n == 0 ||
        memchr("=+-", rest.p[0], 3) == NULL) {
        return false;
    }
    *ret = l->n - rest.n + 1;
    return true;
}

/* Skips fields up to the one by that number, from 0: where it begins; l->n: there is none. */
static size_t field_at(const struct local *l, size_t from, size_t number)
{
    while (number > 0 && from < l->n) {
        from = find(l, from, '=');
        from += from < l->n;
        number--;
    }
    return from;
}

/* "#=" and the domains alone. They only ever move to the front. */
static bool write_srs(struct local *l, char kind, struct slice first, struct slice second)
{
    static const char head[] = {'s', 'r', 's', '0', '=', '#', '='};

    memmove(l->p, head, sizeof head);
    l->p[3] = kind;
    memmove(l->p + sizeof head, first.p, first.n);
    l->n = sizeof head + first.n;
    if (second.n > 0) {
        l->p[l->n++] = '=';
        memmove(l->p + l->n, second.p, second.n);
        l->n += second.n;
    }
    return true;
}

/* The domain in hash=time=domain=local, from there on; empty: it has not this form. */
static struct slice srs_domain(const struct local *l, size_t from)
{
    const size_t domain = field_at(l, from, 2);
    const size_t end = find(l, domain, '=');

    return end < l->n ? part_of(l, domain, end) : (struct slice){l->p, 0};
}

/* SRS0=hash=time=domain=local, SRS1=hash=host=+hash=time=domain=local */
static bool generalise_srs(struct local *l)
{
    size_t at;

    if (is_srs(l, "srs0", &at)) {
        const struct slice domain = srs_domain(l, at);
        return domain.n > 0 && write_srs(l, '0', domain, (struct slice){l->p, 0});
    }
    if (is_srs(l, "srs1", &at)) {
        const size_t host = field_at(l, at, 1), end = find(l, host, '=');
        const struct slice domain = srs_domain(l, end + 2);
        return end > host && domain.n > 0 && write_srs(l, '1', part_of(l, host, end), domain);
    }
    return false;
}

/* Has it been generalised? Then nothing more is to be done. */
static bool is_general_srs(const struct local *l)
{
    const struct slice all = {l->p, l->n};
    struct slice rest;

    return slice_prefix(all, "srs0=#=", &rest) || slice_prefix(all, "srs1=#=", &rest);
}

/* ---- what is put behind a name: user+token; LISTSERV's owner-list*anna**example.net ---- */

static bool cut_at(struct local *l, size_t at)
{
    if (at == 0 || at >= l->n) {
        return false;
    }
    l->n = at;
    return true;
}

static bool cut_extension(struct local *l)
{
    return cut_at(l, find(l, 0, '+')) ||
           (memmem(l->p, l->n, "**", 2) != NULL && cut_at(l, find(l, 0, '*')));
}

/* ---- words: runs of letters and digits, or a # ---- */

struct word {
    size_t at, end;
    size_t digits;
    bool hexadecimal; /* nothing else in it */
};

static bool is_of_word(int c)
{
    return ascii_is_let_dig(c) || c == '#';
}

/* The first word that begins at `from` or behind; false: there is none. */
static bool next_word(const struct local *l, size_t from, struct word *ret)
{
    struct word w = {.hexadecimal = true};

    while (from < l->n && !is_of_word((unsigned char)l->p[from])) {
        from++;
    }
    for (w.at = w.end = from; w.end < l->n && is_of_word((unsigned char)l->p[w.end]); w.end++) {
        const int c = (unsigned char)l->p[w.end];
        w.digits += ascii_is_digit(c);
        w.hexadecimal = w.hexadecimal && (ascii_is_digit(c) || (c >= 'a' && c <= 'f'));
    }
    *ret = w;
    return w.at < w.end;
}

/* Does what stands behind such a word belong to one message? */
static bool announces_token(const struct local *l, const struct word *w)
{
    static const char *const words[] = {"bounce", "bounces", "return", "returns", "verp"};
    const struct slice s = part_of(l, w->at, w->end);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_eq(s, slice_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool has_number(const struct local *l, const struct word *w)
{
    return w->digits > 0 || memchr(l->p + w->at, '#', w->end - w->at) != NULL;
}

/* ---- VERP: bounce-123-anna=example.net ---- */

/* What stays in front of an address that begins nobody knows where (names have hyphens too): the
 * list's name, up to the word that announces it, and the numbers that follow, from *ret_numbers on.
 * Where no word announces it, the first number does that is not the first word. 0: nothing. */
static size_t verp_prefix_end(const struct local *l, size_t equals, size_t *ret_numbers)
{
    size_t end = 0, number = 0;
    struct word w = {0};

    while (end == 0 && next_word(l, w.end, &w) && w.end <= equals) {
        number = number == 0 && w.at > 0 && has_number(l, &w) ? w.at : number;
        end = announces_token(l, &w) ? w.end : 0;
    }
    w.end = end > 0 ? end : number;
    end = w.end;
    *ret_numbers = 0;
    while (end > 0 && next_word(l, w.end, &w) && w.end <= equals && has_number(l, &w)) {
        *ret_numbers = *ret_numbers == 0 ? w.at : *ret_numbers;
        end = w.end;
    }
    return end;
}

static bool is_domain(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_let_dig((unsigned char)s.p[i]) && s.p[i] != '.' && s.p[i] != '-') {
            return false;
        }
    }
    return s.n > 0;
}

static bool cut_verp(struct local *l)
{
    const char *last = memrchr(l->p, '=', l->n);

    if (last == NULL || last == l->p) {
        return false;
    }
    const size_t equals = (size_t)(last - l->p);
    const struct slice domain = part_of(l, equals + 1, l->n);
    if (!is_domain(domain)) {
        return false;
    }
    size_t numbers;
    size_t end = verp_prefix_end(l, equals, &numbers);
    if (end > 0 && numbers > 0) {
        l->p[numbers] = '#';
        return cut_at(l, numbers + 1);
    }
    if (end == 0 && memchr(domain.p, '.', domain.n) != NULL) {
        const char *hyphen = memrchr(l->p, '-', equals);
        end = hyphen != NULL ? (size_t)(hyphen - l->p) : 0;
        if (end == 0) { /* nothing but the address */
            l->p[0] = '#';
            end = 1;
        }
    }
    return cut_at(l, end);
}

/* ---- numbers ---- */

/* Are there no others? */
static bool is_alone(const struct local *l, const struct word *w)
{
    struct word other;

    return next_word(l, 0, &other) && other.at == w->at && !next_word(l, w->end, &other);
}

/* Will it be another one the next time? Names may have digits, and be numbers altogether. */
static bool is_token(const struct local *l, const struct word *w, bool announced)
{
    const size_t n = w->end - w->at;

    if (w->digits == 0 || announced) {
        return w->digits > 0;
    }
    const bool alone = is_alone(l, w);
    if (w->digits == n) {
        return n >= (alone ? 16 : 7);
    }
    if (w->hexadecimal) {
        return w->digits >= 2 && n >= (alone ? 16 : 8);
    }
    return w->digits >= 4 && n >= (alone ? 20 : 12);
}

static void put_sign(struct local *l, size_t at, size_t end)
{
    l->p[at] = '#';
    memmove(l->p + at + 1, l->p + end, l->n - end);
    l->n -= end - at - 1;
}

/* Words of hexadecimal digits alone, so long, and hyphens between them (RFC 9562). */
static bool is_uuid(const struct local *l, struct word w, size_t *ret_end)
{
    static const uint8_t lengths[] = {8, 4, 4, 4, 12};

    for (size_t i = 0;; i++) {
        if (w.end - w.at != lengths[i] || !w.hexadecimal) {
            return false;
        }
        if (i + 1 == sizeof lengths) {
            *ret_end = w.end;
            return true;
        }
        const size_t hyphen = w.end;
        if (hyphen == l->n || l->p[hyphen] != '-' || !next_word(l, hyphen, &w) ||
            w.at != hyphen + 1) {
            return false;
        }
    }
}

static bool generalise_numbers(struct local *l)
{
    bool changed = false, announced = false;
    struct word w = {0};

    while (next_word(l, w.end, &w)) {
        size_t end = w.end;
        if (is_uuid(l, w, &end) || is_token(l, &w, announced)) {
            put_sign(l, w.at, end);
            w.end = w.at + 1;
            changed = true;
        }
        announced = announced || announces_token(l, &w);
    }
    return changed;
}

/* "#-#" is "#": what is drawn by chance may hold a separator. */
static bool join_signs(struct local *l)
{
    size_t to = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (to >= 2 && l->p[i] == '#' && l->p[to - 2] == '#' &&
            memchr("-_.=", l->p[to - 1], 4) != NULL) {
            to--;
            continue;
        }
        l->p[to++] = l->p[i];
    }
    const bool changed = to < l->n;
    l->n = to;
    return changed;
}

/* ---- all of it ---- */

static bool step(struct local *l)
{
    if (is_general_srs(l)) {
        return false;
    }
    if (l->n > 0 && l->p[0] == '"') {
        return unquote(l);
    }
    return undo_batv(l) || generalise_srs(l) || cut_extension(l) || cut_verp(l) ||
           generalise_numbers(l) || join_signs(l);
}

struct slice sender_form(struct slice mailbox, char ret[static SENDER_FORM_MAX])
{
    const size_t n = mailbox.n < SENDER_FORM_MAX ? mailbox.n : SENDER_FORM_MAX;

    ascii_lower_copy(ret, mailbox.p, n);
    const char *at = memrchr(ret, '@', n);
    const size_t local_n = at != NULL ? (size_t)(at - ret) : n;
    struct local local = {ret, local_n};
    while (step(&local)) {
    }
    memmove(ret + local.n, ret + local_n, n - local_n);
    return (struct slice){ret, local.n + n - local_n};
}
