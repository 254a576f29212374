/* The reference as mdoc(7): lists for the sections of manual pages. */
#include <ctype.h>
#include <string.h>

#include "cmd/docs.h"
#include "conf/settings.h"
#include "policy/policy.h"

/* ---- text ---- */

/* Appends one octet of text or of a macro's argument; what begins a word must not make a request
 * of its line. */
static void put_octet(struct buf *ret, char c, bool begins_word)
{
    if (begins_word && (c == '.' || c == '\'')) {
        buf_append(ret, "\\&", 2);
    }
    if (c == '\\') {
        buf_append(ret, "\\e", 2);
    } else {
        buf_append(ret, &c, 1);
    }
}

/* Ends a line of text that has been collected in `line`. */
static void end_line(struct buf *line, struct buf *ret)
{
    if (line->n > 0) {
        buf_append(line, "", 1);
        docs_wrap(ret, line->p, 0, 0);
        line->n = 0;
    }
}

/* The literal words in `…` at `text`, as a macro line with the punctuation behind. Returns what
 * follows. */
static const char *put_literal(struct buf *ret, const char *text)
{
    const char *end = strchr(text + 1, '`');

    buf_append(ret, ".Li ", 4);
    for (const char *p = text + 1; p < end; p++) {
        put_octet(ret, *p, p == text + 1);
    }
    text = end + 1;
    while (*text != '\0' && strchr(".,;:)", *text) != NULL) {
        buf_printf(ret, " %c", *text++);
    }
    buf_append(ret, "\n", 1);
    return text + strspn(text, " ");
}

/* A sentence ends its line, as mdoc(7) wants it. */
static bool ends_sentence(const char *p)
{
    return p[0] == '.' && p[1] == ' ' && (isupper((unsigned char)p[2]) || p[2] == '`');
}

static void put_text(struct buf *ret, const char *text)
{
    struct buf line = {0};

    while (*text != '\0') {
        if (*text == '`') {
            end_line(&line, ret);
            text = put_literal(ret, text);
        } else if (ends_sentence(text)) {
            buf_append(&line, ".", 1);
            end_line(&line, ret);
            text += 2;
        } else {
            put_octet(&line, *text, line.n == 0 || line.p[line.n - 1] == ' ');
            text++;
        }
    }
    end_line(&line, ret);
    buf_free(&line);
}

/* ---- lists ---- */

static void begin_list(struct buf *ret)
{
    buf_printf(ret, ".Bl -tag -width Ds\n");
}

static void end_list(struct buf *ret)
{
    buf_printf(ret, ".El\n");
}

static void fact_section(struct arena *arena, struct buf *ret)
{
    begin_list(ret);
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const struct fact *f = &facts[i];
        buf_printf(ret, ".It Li %s Pq %s, from %s, %s, %s, %s\n", docs_fact_name(f, arena),
                   value_type_name(f->type), phase_name(f->phase), fact_scope_name(f->scope),
                   fact_cost_name(f->cost), docs_fact_keeping(f));
        put_text(ret, docs_fact_prose(f, arena));
    }
    end_list(ret);
}

static void member_section(struct arena *arena, struct buf *ret)
{
    const struct fact_member *members;

    (void)arena;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const size_t count = fact_members(&facts[i], &members);
        if (count == 0) {
            continue;
        }
        buf_printf(ret, ".Ss Members of %s\n", facts[i].name);
        begin_list(ret);
        for (size_t k = 0; k < count; k++) {
            buf_printf(ret, ".It Li %s\n", members[k].name);
            put_text(ret, members[k].prose);
        }
        end_list(ret);
    }
}

static void action_section(struct arena *arena, struct buf *ret)
{
    begin_list(ret);
    for (size_t i = 0; i < RULE_KIND_COUNT; i++) {
        const struct action *a = &actions[i];
        bool anywhere = a->phases == (1u << PHASE_COUNT) - 1;
        buf_printf(ret, ".It Li %s Pq %s, %s%s\n", a->synopsis, a->verdict ? "verdict" : "action",
                   anywhere ? "in all phases" : "at ",
                   anywhere ? "" : docs_phases(a->phases, arena));
        put_text(ret, a->prose);
    }
    end_list(ret);
}

static void limit_section(struct arena *arena, struct buf *ret)
{
    char values[3][VALUE_TEXT_MAX];

    (void)arena;
    begin_list(ret);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &settings[i];
        buf_printf(ret, ".It Li %s Pq %s, %s to %s\n", s->name,
                   value_format(s->kind, s->standard, values[0]),
                   value_format(s->kind, s->min, values[1]),
                   value_format(s->kind, s->max, values[2]));
        put_text(ret, s->prose);
    }
    end_list(ret);
}

static void reply_section(struct arena *arena, struct buf *ret)
{
    (void)arena;
    begin_list(ret);
    for (size_t i = 0; i < docs_reply_count; i++) {
        if (!docs_reply_repeated(i)) {
            buf_printf(ret, ".It Li %u %s\n", docs_replies[i].code, docs_replies[i].enhanced);
            put_text(ret, docs_replies[i].text);
        }
    }
    end_list(ret);
}

static void counter_section(struct arena *arena, struct buf *ret)
{
    (void)arena;
    begin_list(ret);
    for (size_t i = 0; i < docs_counter_count; i++) {
        buf_printf(ret, ".It Va %s\n", docs_counters[i].name);
        put_text(ret, docs_counters[i].prose);
    }
    end_list(ret);
}

static void standard_section(struct arena *arena, struct buf *ret)
{
    bool begins_line = true;

    (void)arena;
    buf_printf(ret, ".Bd -literal\n");
    for (size_t i = 0; i < policy_standard_length; i++) {
        put_octet(ret, policy_standard_text[i], begins_line);
        begins_line = policy_standard_text[i] == '\n';
    }
    buf_printf(ret, ".Ed\n");
}

void docs_man(enum docs_section section, struct buf *ret)
{
    static const struct {
        const char *heading;
        void (*write)(struct arena *arena, struct buf *ret);
    } sections[DOCS_SECTION_COUNT] = {
        [DOCS_FACTS] = {"FACTS", fact_section},
        [DOCS_MEMBERS] = {"WHAT IS REMARKABLE ABOUT A MESSAGE", member_section},
        [DOCS_ACTIONS] = {"ACTIONS", action_section},
        [DOCS_LIMITS] = {"LIMITS", limit_section},
        [DOCS_REPLIES] = {"REPLIES", reply_section},
        [DOCS_COUNTERS] = {"COUNTERS", counter_section},
        [DOCS_STANDARD] = {"THE STANDARD POLICY", standard_section},
    };
    struct arena arena;

    arena_init(&arena);
    buf_printf(ret, ".Sh %s\n", sections[section].heading);
    put_text(ret, docs_introduction(section));
    sections[section].write(&arena, ret);
    arena_free(&arena);
}
