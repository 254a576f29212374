/* Findings of what people read (inspect/inspect_impl.h): the text of all parts that are shown, one
 * after the other, plain and without the tags of HTML. */
#include "base/buf.h"
#include "inspect/html.h"
#include "inspect/traits.h"
#include "inspect/urls.h"
#include "inspect/words.h"

/* Octets in UTF-8 that are read of one part, and what is kept of their text in all: more than
 * patterns are looked for in (rules.c). */
#define PART_MOST  ((size_t)16 << 20)
#define WORDS_MOST ((size_t)4 << 20)

/* Letters of a text that is short. */
#define SHORT_MOST 200

/* Letters beside pictures that are hardly any text. */
#define IMAGE_LETTERS_MOST 100

/* Octets of plain ASCII that nobody needs to encode. */
#define BASE64_LEAST 20

struct range {
    size_t begin, end; /* in the words */
    bool any;
};

struct inspect_text {
    struct buf words;
    struct urls urls;
    struct html_counts html_counts;
    struct range plain, html; /* the first of each that is shown */
};

static struct inspect_text *text_of(struct inspect_run *run)
{
    if (run->text == NULL) {
        run->text = arena_zalloc(&run->scratch, sizeof(*run->text));
        (void)buf_reserve(&run->text->words, 4096);
    }
    return run->text;
}

/* Something was left out. */
static void open_all(struct inspect_run *run)
{
    inspect_open(run, FINDING_OF_HTML_TRAITS);
    inspect_open(run, FINDING_OF_TEXT_TRAITS);
    inspect_open(run, FINDING_OF_URL_COUNT);
    inspect_open(run, FINDING_OF_URL_DOMAINS);
    inspect_open(run, FINDING_OF_URL_MISMATCH);
    inspect_open(run, FINDING_OF_URL_TRAITS);
}

/* ---- charsets ---- */

static bool is_ascii(struct slice octets)
{
    for (size_t i = 0; i < octets.n; i++) {
        if ((unsigned char)octets.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static size_t count_replaced(struct slice text)
{
    size_t n = 0;

    while (text.n > 0) {
        const char *p = memmem(text.p, text.n, "\xef\xbf\xbd", 3);
        if (p == NULL) {
            break;
        }
        n++;
        text = (struct slice){p + 3, (size_t)(text.p + text.n - p) - 3};
    }
    return n;
}

static struct slice converted(struct inspect_run *run, const struct inspect_part *part,
                              struct buf *to)
{
    const bool ascii = is_ascii(part->octets);
    struct slice rest;

    if (part->base64 && ascii && part->octets.n >= BASE64_LEAST &&
        !slice_prefix(part->charset, "iso-2022", &rest) &&
        !slice_prefix(part->charset, "utf-7", &rest)) {
        inspect_trait(run, TEXT_HAS_BASE64_ASCII);
    }
    if (!inspect_to_utf8(run->inspect, part->charset, part->octets, PART_MOST, to)) {
        inspect_trait(run, TEXT_HAS_UNKNOWN_CHARSET);
    } else if (!ascii && count_replaced(buf_slice(to)) >= 3) {
        inspect_trait(run, TEXT_HAS_BROKEN_CHARSET);
    }
    if (to->n + 4 > PART_MOST) {
        open_all(run);
    }
    return to->n > 0 ? buf_slice(to) : SLICE_LIT("");
}

/* ---- parts ---- */

static void begin_words(struct buf *words)
{
    if (words->n > 0 && words->p[words->n - 1] == ' ') {
        words->n--;
    }
    if (words->n > 0 && words->n < WORDS_MOST) {
        buf_append(words, "\n", 1);
    }
}

static void end_words(struct inspect_text *t, size_t begin, struct range *range)
{
    if (!range->any) {
        *range = (struct range){begin, t->words.n, true};
    }
}

static void read_plain(struct inspect_run *run, struct inspect_text *t, struct slice text)
{
    const size_t begin = t->words.n;

    urls_add_from_text(run, &t->urls, text);
    if (!words_append(&t->words, text, WORDS_MOST)) {
        open_all(run);
    }
    end_words(t, begin, &t->plain);
}

static void read_html(struct inspect_run *run, struct inspect_text *t, struct slice html)
{
    const size_t begin = t->words.n;

    if (!html_read(run, html, &t->words, WORDS_MOST, &t->urls, &t->html_counts)) {
        open_all(run);
    }
    if (t->words.n > begin) {
        urls_add_from_text(run, &t->urls, (struct slice){t->words.p + begin, t->words.n - begin});
    }
    end_words(t, begin, &t->html);
}

/* A file is not read with the message: only its links and what else it holds is looked at. */
static void read_attached(struct inspect_run *run, struct inspect_text *t, struct slice html)
{
    struct html_counts counts = {0};
    struct buf words = {0};

    (void)buf_reserve(&words, 4096);
    (void)html_read(run, html, &words, WORDS_MOST, &t->urls, &counts);
    buf_free(&words);
}

void inspect_text_part(struct inspect_run *run, const struct inspect_part *part)
{
    struct inspect_text *t = text_of(run);
    const bool html = slice_eq(part->type, SLICE_LIT("text/html")) ||
                      slice_eq(part->type, SLICE_LIT("application/xhtml+xml"));
    struct buf utf8 = {0};

    if (part->attached && !html) {
        return;
    }
    const struct slice text = converted(run, part, &utf8);
    if (part->attached) {
        read_attached(run, t, text);
    } else {
        begin_words(&t->words);
        if (html) {
            read_html(run, t, text);
        } else {
            read_plain(run, t, text);
        }
    }
    buf_free(&utf8);
}

/* ---- at the end ---- */

static struct slice words_in(const struct inspect_text *t, const struct range *r)
{
    return (struct slice){t->words.p + r->begin, r->end - r->begin};
}

static void look_at_all(struct inspect_run *run, const struct inspect_text *t)
{
    const struct slice words = buf_slice(&t->words);
    const size_t letters = words_letters(words);
    const struct {
        bool holds;
        enum trait trait;
    } rows[] = {
        {t->html.any && !t->plain.any, TEXT_HAS_HTML_ONLY},
        {letters > 0 && letters < SHORT_MOST && t->urls.count > 0, TEXT_HAS_SHORT_WITH_LINK},
        {t->html_counts.images > 0 && t->html_counts.letters < IMAGE_LETTERS_MOST,
         HTML_HAS_IMAGE_ONLY},
        {t->html.any && t->plain.any && words_differ(words_in(t, &t->plain), words_in(t, &t->html)),
         TEXT_HAS_PARTS_DIFFER},
    };

    words_look(run, words);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].holds) {
            inspect_trait(run, rows[i].trait);
        }
    }
}

void inspect_finish_text(struct inspect_run *run)
{
    if (!inspect_wants(run, INSPECT_TEXT | INSPECT_PATTERNS)) {
        return;
    }
    struct inspect_text *t = text_of(run);
    inspect_rules_match(run, PATTERN_IN_BODY, buf_slice(&t->words));
    look_at_all(run, t);
    urls_finish(run, &t->urls);
    buf_free(&t->words);
}
