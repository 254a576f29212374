/* See inspect/words.h. */
#include "inspect/words.h"

#include "base/buf.h"
#include "inspect/traits.h"
#include "parse/ascii.h"
#include "parse/utf8.h"

enum script { SCRIPT_NONE, SCRIPT_LATIN, SCRIPT_LOOKS_LATIN, SCRIPT_OTHER };

struct counts {
    size_t capitals, small; /* of ASCII */
    size_t others;          /* letters of other scripts */
    size_t digits;
    size_t words;
    size_t exclamations;
    size_t invisible; /* words with characters that are not seen */
    size_t mixed;
    size_t look_alikes;
    size_t gappy;
    size_t digit_letters;
    size_t random;
    bool millions;
};

/* ---- folding ---- */

/* Blanks of all kinds, but those that have no width. */
static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Octets of one piece of a long word: what has no room is left out in such pieces. */
#define PIECE_MOST 256

/* Octets from `at` on, PIECE_MOST at most, that are ASCII and no blanks or controls. */
static size_t plain_run(struct slice text, size_t at)
{
    const size_t most = text.n - at < PIECE_MOST ? text.n : at + PIECE_MOST;
    size_t n = at;

    while (n < most && text.p[n] > ' ' && text.p[n] < 0x7f) {
        n++;
    }
    return n - at;
}

bool words_append(struct buf *to, struct slice text, size_t most)
{
    const size_t room = most > to->n ? most - to->n : 0;
    char *out = buf_reserve(to, (text.n < room ? text.n : room) + UTF8_MOST);
    size_t n = 0;

    for (size_t i = 0; i < text.n;) {
        const char before = n > 0 ? out[n - 1] : to->n > 0 ? to->p[to->n - 1] : ' ';
        size_t taken = plain_run(text, i);
        uint32_t c = 'x';
        if (taken == 0) {
            taken = utf8_take(text.p + i, text.n - i, &c);
        }
        const bool blank = is_blank(c) || c == 0;
        taken = taken > 0 ? taken : 1;
        const size_t made = blank ? 1 : taken;
        if (n + made > room) {
            to->n += n;
            return false;
        }
        if (!blank) {
            memcpy(out + n, text.p + i, taken);
            n += taken;
        } else if (before != ' ' && before != '\n') {
            out[n++] = ' ';
        }
        i += taken;
    }
    to->n += n;
    return true;
}

/* ---- characters ---- */

static bool is_unseen(uint32_t c)
{
    return (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2064) || c == 0xfeff ||
           c == 0x180e || c == 0x34f || c == 0x61c;
}

static bool is_styled_letter(uint32_t c)
{
    return (c >= 0x1d400 && c <= 0x1d7ff) || (c >= 0xff21 && c <= 0xff5a) ||
           (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f189);
}

static enum script script_of(uint32_t c)
{
    if (c < 0x80) {
        return ascii_is_let_dig((int)c) && !ascii_is_digit((int)c) ? SCRIPT_LATIN : SCRIPT_NONE;
    }
    if (c < 0xc0 || c == 0xd7 || c == 0xf7) {
        return SCRIPT_NONE;
    }
    if (c < 0x250 || (c >= 0x1e00 && c < 0x1f00)) {
        return SCRIPT_LATIN;
    }
    if ((c >= 0x370 && c < 0x530)) {
        return SCRIPT_LOOKS_LATIN;
    }
    return (c >= 0x2000 && c < 0x2c00) || (c >= 0x3000 && c < 0x3040) || c >= 0xfe00 ? SCRIPT_NONE
                                                                                     : SCRIPT_OTHER;
}

/* ---- words ---- */

/* Is a character written for a letter: between small letters, in a word that has no other digit? */
static bool has_digit_letter(struct slice word)
{
    size_t odd = 0, where = 0;

    if (word.n < 5) {
        return false;
    }
    for (size_t i = 0; i < word.n; i++) {
        const char c = word.p[i];
        if (c >= 'a' && c <= 'z') {
            continue;
        }
        if (c == '\0' || strchr("0134@$!|", c) == NULL) {
            return false;
        }
        odd++;
        where = i;
    }
    return odd == 1 && where > 0 && where + 1 < word.n;
}

/* A long word of small letters without a vowel. */
static bool is_random(struct slice word)
{
    for (size_t i = 0; i < word.n && word.n >= 6; i++) {
        const char c = word.p[i];
        if (c < 'a' || c > 'z' || c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' ||
            c == 'y') {
            return false;
        }
    }
    return word.n >= 6;
}

/* "$1,000,000" or "$4.5 million": the word, which has digits, and the one after it. */
static bool is_million(struct slice word, struct slice rest)
{
    static const char *const signs[] = {"$",   "us$",          "usd",     "eur",
                                        "gbp", "\xe2\x82\xac", "\xc2\xa3"};
    struct slice number = {word.p, 0};
    size_t digits = 0;

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && number.n == 0; i++) {
        const size_t n = strlen(signs[i]);
        if (word.n > n && strncasecmp(word.p, signs[i], n) == 0) {
            number = (struct slice){word.p + n, word.n - n};
        }
    }
    for (size_t i = 0; i < number.n; i++) {
        if (number.p[i] == '.' && i + 3 >= number.n) { /* decimals */
            break;
        }
        digits += ascii_is_digit(number.p[i]);
    }
    if (number.n > 0 && digits >= 7 && digits <= 12) {
        return true;
    }
    return digits > 0 && rest.n > 8 &&
           (strncasecmp(rest.p, " million", 8) == 0 || strncasecmp(rest.p, " billion", 8) == 0);
}

static void look_at_characters(struct slice word, struct counts *c)
{
    size_t latin = 0, others = 0, looks = 0, unseen_at = 0;
    bool unseen = false, within = false;
    uint32_t character;

    for (size_t i = 0; i < word.n;) {
        const size_t n = utf8_take(word.p + i, word.n - i, &character);
        i += n > 0 ? n : 1;
        if (n == 0) {
            continue;
        }
        const enum script script = script_of(character);
        unseen_at += latin > 0 && is_unseen(character);
        within = within || (unseen_at > 0 && script == SCRIPT_LATIN);
        unseen = unseen || is_unseen(character);
        latin += script == SCRIPT_LATIN;
        looks += script == SCRIPT_LOOKS_LATIN;
        others +=
            script == SCRIPT_OTHER || script == SCRIPT_LOOKS_LATIN || is_styled_letter(character);
        c->look_alikes += is_styled_letter(character);
    }
    c->others += others;
    c->invisible += unseen && within;
    c->mixed += latin > 0 && looks > 0 && latin + looks >= 4;
}

/* Letters of ASCII; false when there are other octets in it. */
static bool look_at_ascii(struct slice word, struct counts *c)
{
    bool ascii = true;

    for (size_t i = 0; i < word.n; i++) {
        const char o = word.p[i];
        c->small += o >= 'a' && o <= 'z';
        c->capitals += o >= 'A' && o <= 'Z';
        c->digits += o >= '0' && o <= '9';
        c->exclamations += o == '!';
        ascii = ascii && o >= 0;
    }
    return ascii;
}

static struct slice without_marks(struct slice word)
{
    while (word.n > 0 && word.p[word.n - 1] > 0 && strchr(".,;:!?)\"'", word.p[word.n - 1])) {
        word.n--;
    }
    return word;
}

static void look_at_word(struct slice word, struct slice rest, size_t *singles, struct counts *c)
{
    const size_t digits = c->digits;
    const bool ascii = look_at_ascii(word, c);

    c->words++;
    if (!ascii) {
        look_at_characters(word, c);
    }
    const bool single = word.n == 1 && ascii_is_let_dig(word.p[0]) && !ascii_is_digit(word.p[0]);
    *singles = single ? *singles + 1 : 0;
    c->gappy += *singles == 5;
    c->millions = c->millions || (c->digits > digits && is_million(word, rest));
    if (ascii) {
        word = without_marks(word);
        c->digit_letters += has_digit_letter(word);
        c->random += is_random(word);
    }
}

static struct slice take_word(struct slice *text)
{
    size_t n = 0;

    while (n < text->n && text->p[n] != ' ' && text->p[n] != '\n') {
        n++;
    }
    const struct slice word = {text->p, n};
    *text = (struct slice){text->p + n, text->n - n};
    return word;
}

static void count(struct slice text, struct counts *c)
{
    size_t singles = 0;

    while (text.n > 0) {
        const struct slice word = take_word(&text);
        if (word.n > 0) {
            look_at_word(word, text, &singles, c);
        }
        text = text.n > 0 ? (struct slice){text.p + 1, text.n - 1} : text;
    }
}

void words_look(struct inspect_run *run, struct slice text)
{
    struct counts c = {0};

    count(text, &c);
    const size_t letters = c.capitals + c.small + c.others;
    const struct {
        bool holds;
        enum trait trait;
    } rows[] = {
        {letters == 0, TEXT_HAS_NO_TEXT},
        {c.invisible >= 3, TEXT_HAS_INVISIBLE_CHARACTERS},
        {c.mixed >= 2, TEXT_HAS_MIXED_SCRIPTS},
        {c.look_alikes >= 5 && c.small + c.capitals > 4 * (c.others - c.look_alikes),
         TEXT_HAS_LOOK_ALIKES},
        {c.capitals >= 60 && c.capitals > 3 * (c.small + c.others) / 2, TEXT_HAS_SHOUTING},
        {c.gappy >= 2, TEXT_HAS_GAPPY},
        {c.digit_letters >= 3, TEXT_HAS_DIGIT_LETTERS},
        {c.exclamations >= 6 && c.exclamations * 40 > c.words, TEXT_HAS_EXCLAMATIONS},
        {c.random >= 4, TEXT_HAS_RANDOM_WORDS},
        {c.millions, TEXT_HAS_MONEY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].holds) {
            inspect_trait(run, rows[i].trait);
        }
    }
}

size_t words_letters(struct slice text)
{
    struct counts c = {0};

    while (text.n > 0) {
        const struct slice word = take_word(&text);
        if (!look_at_ascii(word, &c)) {
            look_at_characters(word, &c);
        }
        text = text.n > 0 ? (struct slice){text.p + 1, text.n - 1} : text;
    }
    return c.capitals + c.small + c.others;
}

/* ---- comparing ---- */

#define MARKS 32768

/* Longer words, by a hash: enough to tell texts apart, and nobody gains by collisions. */
static bool longer_word(struct slice word, uint32_t *ret_hash)
{
    uint32_t hash = 2166136261U;

    word = without_marks(word);
    for (size_t i = 0; i < word.n; i++) {
        hash = (hash ^ (unsigned char)ascii_lower(word.p[i])) * 16777619U;
    }
    *ret_hash = (hash ^ hash >> 15) % MARKS;
    return word.n >= 5;
}

bool words_differ(struct slice a, struct slice b)
{
    uint8_t marks[MARKS / 8] = {0};
    size_t words = 0, missing = 0, known = 0;
    uint32_t hash;

    while (a.n > 0) {
        if (longer_word(take_word(&a), &hash)) {
            marks[hash / 8] |= (uint8_t)(1U << hash % 8);
            known++;
        }
        a = a.n > 0 ? (struct slice){a.p + 1, a.n - 1} : a;
    }
    while (b.n > 0) {
        if (longer_word(take_word(&b), &hash)) {
            words++;
            missing += (marks[hash / 8] >> hash % 8 & 1) == 0;
        }
        b = b.n > 0 ? (struct slice){b.p + 1, b.n - 1} : b;
    }
    return words >= 20 && known >= 5 && missing * 10 > words * 7;
}
