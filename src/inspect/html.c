/* See inspect/html.h. Elements that are open are kept on a stack, as far as there is room: what
 * they say of colour and size holds for what is inside of them. */
#include "inspect/html.h"

#include <stdlib.h>

#include "inspect/html_style.h"
#include "inspect/html_tags.h"
#include "inspect/traits.h"
#include "inspect/words.h"
#include "parse/ascii.h"
#include "parse/html_scan.h"
#include "parse/url.h"

#define OPEN_MOST 128

/* Letters of hidden, tiny or invisible text that are a few words. */
#define FEW_LETTERS 40

struct element {
    const struct html_tag *tag;
    struct html_style style;
};

struct reader {
    struct inspect_run *run;
    struct urls *urls;
    struct html_counts *counts;
    struct buf *words;
    size_t most;
    struct element open[OPEN_MOST]; /* the document itself is the first */
    size_t depth;
    size_t too_deep; /* elements open for which there was no room */
    struct buf text; /* decoded */
    bool full;
    bool broken_word; /* what came last was within a word, and has no place there */
    size_t hidden, tiny, invisible, comments, needless; /* letters */
    size_t split, invented, colours;                    /* how many */
    uint32_t last_colour;
    /* the link that is open */
    bool in_link;
    bool link_image;
    size_t link_words; /* where its text begins */
    struct slice link; /* the organisation where it leads to; "" unknown */
};

static void trait(struct reader *r, enum trait t)
{
    inspect_trait(r->run, t);
}

static struct element *top(struct reader *r)
{
    return &r->open[r->depth - 1];
}

static struct slice decoded(struct reader *r, struct slice text)
{
    char *out;

    r->text.n = 0;
    out = buf_reserve(&r->text, text.n + 1);
    r->text.n = html_decode(text, out, &r->needless);
    return buf_slice(&r->text);
}

/* ---- text ---- */

static bool is_letter_at_end(const struct reader *r)
{
    return r->words->n > 0 && ascii_is_let_dig(r->words->p[r->words->n - 1]);
}

static void take_text(struct reader *r, struct slice raw)
{
    const struct html_style *style = &top(r)->style;
    const struct slice text = decoded(r, raw);

    if (style->hidden) {
        r->hidden += words_letters(text);
        r->broken_word = r->broken_word || (text.n > 0 && is_letter_at_end(r));
        return;
    }
    if (style->tiny) {
        r->tiny += words_letters(text);
    }
    if (html_colours_alike(style->colour, style->background)) {
        r->invisible += words_letters(text);
    }
    if (r->broken_word && text.n > 0) {
        r->split += is_letter_at_end(r) && ascii_is_let_dig(text.p[0]);
        r->broken_word = false;
    }
    r->full = !words_append(r->words, text, r->most) || r->full;
}

static void break_line(struct reader *r)
{
    r->broken_word = false;
    if (r->words->n > 0 && !top(r)->style.hidden) {
        r->full = !words_append(r->words, SLICE_LIT(" "), r->most) || r->full;
    }
}

/* ---- links ---- */

static void end_link(struct reader *r)
{
    struct slice shown, organisation;

    if (!r->in_link) {
        return;
    }
    r->in_link = false;
    const struct slice text = {r->words->p + r->link_words, r->words->n - r->link_words};
    if (r->link_image && words_letters(text) == 0) {
        trait(r, HTML_HAS_IMAGE_LINK);
    }
    if (r->link.n == 0 || text.n == 0 || !url_shown(text, &shown)) {
        return;
    }
    struct arena arena;
    struct url u;
    arena_init(&arena);
    if (url_parse(shown, true, &arena, &u) == 0) {
        organisation = u.organisation;
        if (organisation.n > 0 && !slice_eq(organisation, r->link)) {
            inspect_flag(r->run, FINDING_OF_URL_MISMATCH);
        }
    }
    arena_free(&arena);
}

static void begin_link(struct reader *r, struct slice href)
{
    end_link(r);
    r->link = urls_add(r->run, r->urls, href, false);
    r->in_link = true;
    r->link_image = false;
    r->link_words = r->words->n;
}

/* ---- attributes ---- */

/* What is read of a tag's attributes before its meaning is known. */
struct attributes {
    struct slice href, src, type, http_equiv, content, colour, background, size, width, height,
        style;
    bool hidden;
    bool handler;
};

static void take_attribute(const struct html_attribute *a, struct attributes *to)
{
    const struct {
        const char *name;
        struct slice *to;
    } rows[] = {
        {"href", &to->href},          {"src", &to->src},      {"type", &to->type},
        {"action", &to->href},        {"data", &to->src},     {"http-equiv", &to->http_equiv},
        {"content", &to->content},    {"color", &to->colour}, {"text", &to->colour},
        {"bgcolor", &to->background}, {"size", &to->size},    {"width", &to->width},
        {"height", &to->height},      {"style", &to->style},  {"background", &to->src},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (slice_eq_nocase(a->name, slice_of(rows[i].name)) && rows[i].to->n == 0) {
            *rows[i].to = a->value;
            return;
        }
    }
    to->hidden |= slice_eq_nocase(a->name, SLICE_LIT("hidden"));
    to->handler |= a->name.n > 4 && a->value.n > 0 && strncasecmp(a->name.p, "on", 2) == 0;
}

static long number_of(struct slice text)
{
    char digits[8] = "";

    if (text.n == 0) {
        return -1;
    }
    memcpy(digits, text.p, text.n < sizeof(digits) - 1 ? text.n : sizeof(digits) - 1);
    return strtol(digits, NULL, 10);
}

static void read_style(struct reader *r, const struct html_tag *tag, const struct attributes *a,
                       struct html_style *s)
{
    s->hidden |= a->hidden;
    if (a->colour.n > 0) {
        s->colour = html_colour(a->colour);
        if (tag->what == HTML_IS_FONT && s->colour != r->last_colour) {
            r->colours++;
            r->last_colour = s->colour;
        }
    }
    if (a->background.n > 0) {
        s->background = html_colour(a->background);
    } else if (a->src.n > 0 && tag->what == HTML_IS_BLOCK) {
        s->background = COLOUR_UNKNOWN; /* a picture */
    }
    if (tag->what == HTML_IS_FONT && a->size.n > 0) {
        const long size = number_of(a->size);
        s->big = a->size.p[0] == '+' ? size >= 3 : size >= 6;
        s->tiny = a->size.p[0] == '-' && size <= -3;
    }
    if (a->style.n > 0) {
        html_style_read(decoded(r, a->style), s);
    }
    if (s->big && !top(r)->style.big) {
        trait(r, HTML_HAS_BIG_FONT);
    }
}

/* ---- elements ---- */

static void take_image(struct reader *r, const struct attributes *a)
{
    const long width = number_of(a->width), height = number_of(a->height);
    const struct slice src = decoded(r, a->src);
    struct slice rest;

    if (src.n > 5 && strncasecmp(src.p, "data:", 5) == 0) {
        trait(r, HTML_HAS_DATA_URL);
    } else if (urls_add(r->run, r->urls, src, false).n > 0) {
        trait(r, HTML_HAS_REMOTE_IMAGE);
        if (width >= 0 && width <= 1 && height >= 0 && height <= 1) {
            trait(r, HTML_HAS_TINY_IMAGE);
            return;
        }
    } else if (!slice_prefix(src, "cid:", &rest)) {
        return;
    }
    r->counts->images++;
    r->link_image = true;
}

/* <meta http-equiv=refresh content="0; url=…"> */
static void take_meta(struct reader *r, const struct attributes *a)
{
    if (!slice_eq_nocase(a->http_equiv, SLICE_LIT("refresh"))) {
        return;
    }
    const struct slice content = decoded(r, a->content);
    const char *sign = content.n > 0 ? memchr(content.p, '=', content.n) : NULL;
    if (sign != NULL) {
        struct slice url = {sign + 1, (size_t)(content.p + content.n - sign - 1)};
        while (url.n > 0 && (url.p[0] == '\'' || url.p[0] == '"' || url.p[0] == ' ')) {
            url = (struct slice){url.p + 1, url.n - 1};
        }
        (void)urls_add(r->run, r->urls, url, false);
        trait(r, HTML_HAS_META_REFRESH);
    }
}

static void take_url(struct reader *r, struct slice url)
{
    if (url.n > 0) {
        (void)urls_add(r->run, r->urls, decoded(r, url), false);
    }
}

static void take_link(struct reader *r, const struct attributes *a)
{
    const struct slice href = decoded(r, a->href);

    if (href.n > 0) {
        if (href.n > 11 && strncasecmp(href.p, "javascript:", 11) == 0) {
            trait(r, HTML_HAS_SCRIPT);
        }
        if (href.n > 5 && strncasecmp(href.p, "data:", 5) == 0) {
            trait(r, HTML_HAS_DATA_URL);
        }
        begin_link(r, href);
    }
}

static void take_meaning(struct reader *r, const struct html_tag *tag, const struct attributes *a)
{
    if (a->handler) {
        trait(r, HTML_HAS_EVENT_HANDLER);
    }
    switch (tag->what) {
    case HTML_IS_LINK: take_link(r, a); break;
    case HTML_IS_IMAGE: take_image(r, a); break;
    case HTML_IS_META: take_meta(r, a); break;
    case HTML_IS_SCRIPT: trait(r, HTML_HAS_SCRIPT); break;
    case HTML_IS_FORM: trait(r, HTML_HAS_FORM); break;
    case HTML_IS_IFRAME: trait(r, HTML_HAS_IFRAME); break;
    case HTML_IS_OBJECT: trait(r, HTML_HAS_OBJECT); break;
    case HTML_IS_INPUT:
        if (slice_eq_nocase(a->type, SLICE_LIT("password"))) {
            trait(r, HTML_HAS_PASSWORD_FIELD);
        }
        break;
    case HTML_IS_BASE:
        if (a->href.n > 0) {
            trait(r, HTML_HAS_BASE_HREF);
        }
        break;
    case HTML_IS_UNKNOWN:
        r->invented++;
        r->broken_word = r->broken_word || is_letter_at_end(r);
        break;
    default: break;
    }
    if (tag->what != HTML_IS_LINK && tag->what != HTML_IS_IMAGE && tag->what != HTML_IS_INERT) {
        take_url(r, a->href);
        take_url(r, a->src);
    }
}

/* ---- the stack ---- */

/* Elements that end when the same begins again: people leave out the end tag. */
static void close_same(struct reader *r, const struct html_tag *tag)
{
    if (tag->repeats && r->depth > 1 && top(r)->tag == tag) {
        r->depth--;
    }
}

static void open_element(struct reader *r, const struct html_token *t)
{
    const struct html_tag *tag = html_tag_find(t->name);
    struct attributes a = {.hidden = false};
    struct slice rest = t->octets;
    struct html_attribute one;

    while (html_attribute_next(&rest, &one)) {
        take_attribute(&one, &a);
    }
    close_same(r, tag);
    if (tag->breaks) {
        break_line(r);
    }
    struct element e = {tag, top(r)->style};
    read_style(r, tag, &a, &e.style);
    take_meaning(r, tag, &a);
    if (tag->empty || t->self_closed) {
        return;
    }
    if (tag->what == HTML_IS_BODY) {
        r->open[0].style = e.style; /* whatever is around it */
        top(r)->style = e.style;
    } else if (r->depth < OPEN_MOST) {
        r->open[r->depth++] = e;
    } else {
        r->too_deep++;
    }
}

static void close_element(struct reader *r, const struct html_token *t)
{
    const struct html_tag *tag = html_tag_find(t->name);
    size_t at = r->depth;

    if (tag->what == HTML_IS_LINK) {
        end_link(r);
    }
    if (tag->breaks) {
        break_line(r);
    }
    if (tag->empty || tag->what == HTML_IS_BODY) {
        return;
    }
    if (r->too_deep > 0) {
        r->too_deep--;
        return;
    }
    while (at > 1 && r->open[at - 1].tag != tag) {
        at--;
    }
    if (at > 1) {
        r->depth = at - 1;
    }
}

/* What only some programs read is no secret ("[if mso]"). */
static void take_comment(struct reader *r, struct slice inside)
{
    struct slice rest;

    if (!slice_prefix(inside, "[if", &rest) && !slice_prefix(inside, "DOCTYPE", &rest) &&
        !slice_prefix(inside, "[CDATA", &rest)) {
        r->comments += words_letters(inside);
    }
    r->broken_word = r->broken_word || is_letter_at_end(r);
}

static void take_token(struct reader *r, const struct html_token *t)
{
    switch (t->kind) {
    case HTML_TEXT: take_text(r, t->octets); break;
    case HTML_OPEN: open_element(r, t); break;
    case HTML_CLOSE: close_element(r, t); break;
    case HTML_COMMENT: take_comment(r, t->octets); break;
    case HTML_RAW:
        if (slice_eq_nocase(t->name, SLICE_LIT("textarea"))) {
            take_text(r, t->octets);
        }
        break;
    }
}

static void finish(struct reader *r, size_t letters)
{
    const struct {
        bool holds;
        enum trait trait;
    } rows[] = {
        {r->hidden >= FEW_LETTERS, HTML_HAS_HIDDEN_TEXT},
        {r->tiny >= FEW_LETTERS, HTML_HAS_TINY_TEXT},
        {r->invisible >= FEW_LETTERS, HTML_HAS_INVISIBLE_COLOUR},
        {r->split >= 3, HTML_HAS_SPLIT_WORDS},
        {r->invented >= 3, HTML_HAS_INVENTED_TAGS},
        {r->needless >= 20, HTML_HAS_OBFUSCATED_ENTITIES},
        {r->comments >= 300 && r->comments > letters, HTML_HAS_LONG_COMMENT},
        {r->colours >= 5, HTML_HAS_FONT_COLOURS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].holds) {
            trait(r, rows[i].trait);
        }
    }
}

bool html_read(struct inspect_run *run, struct slice html, struct buf *words, size_t most,
               struct urls *urls, struct html_counts *counts)
{
    struct reader *r = arena_zalloc(&run->scratch, sizeof(*r));
    const size_t start = words->n;
    struct html_token t;
    struct html_scan s;
    unsigned tokens = 0;

    r->run = run;
    r->urls = urls;
    r->counts = counts;
    r->words = words;
    r->most = most;
    r->depth = 1;
    r->last_colour = COLOUR_NONE;
    r->open[0] = (struct element){html_tag_find(SLICE_LIT("html")), {.background = 0xffffff}};
    html_scan_init(&s, html);
    while (html_scan_next(&s, &t) && (++tokens % 256 != 0 || !inspect_late(run))) {
        take_token(r, &t);
    }
    end_link(r);
    const size_t letters = words_letters((struct slice){words->p + start, words->n - start});
    counts->letters += letters;
    finish(r, letters);
    buf_free(&r->text);
    return !r->full;
}
