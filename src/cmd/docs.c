/* What the forms of the reference have in common. */
#include "cmd/docs.h"

#include <string.h>

#include "policy/policy.h"

const struct docs_reply docs_replies[] = {
#define REPLY(name, code, enhanced, text) {#name, code, enhanced, text},
#include "tbl/replies.h"
#undef REPLY
};
const size_t docs_reply_count = sizeof(docs_replies) / sizeof(docs_replies[0]);

const struct docs_counter docs_counters[] = {
#define COUNTER(name, prose) {#name, prose},
#include "tbl/counters.h"
#undef COUNTER
};
const size_t docs_counter_count = sizeof(docs_counters) / sizeof(docs_counters[0]);

bool docs_reply_repeated(size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (docs_replies[k].code == docs_replies[i].code &&
            strcmp(docs_replies[k].enhanced, docs_replies[i].enhanced) == 0 &&
            strcmp(docs_replies[k].text, docs_replies[i].text) == 0) {
            return true;
        }
    }
    return false;
}

const char *docs_introduction(enum docs_section section)
{
    static const char *const introductions[DOCS_SECTION_COUNT] = {
        [DOCS_FACTS] =
            "A fact can be asked for from the phase named here on. A remembered one is computed at "
            "most once in its scope: for the connection, the transaction or the recipient. A live "
            "one is read anew each time. A joint one of a recipient may be asked for at message "
            "too, "
            "where it is of all recipients that get the message. Its cost says what asking may "
            "take: nothing (free), a look into memory that all workers share (memory), DNS (dns), "
            "another server (network), a look into the message's header (content), having an "
            "inspector take the message apart (inspection), DNS lists about the links that it "
            "found (links), or outside scanners (scanner). They are asked in this order, DNS and "
            "other servers side by side, and nothing is asked that what is known already decides. "
            "`TEXT` stands for a "
            "string in quotes: `header(\"Subject\")`.",
        [DOCS_MEMBERS] =
            "Some facts are sets of what was noticed, each thing by a name: ask `html.traits in { "
            "script }`, or for any of several `url.traits in { port, userinfo }`. These are all "
            "names "
            "that there are. None of them says by itself that a message is unwanted.",
        [DOCS_ACTIONS] =
            "A verdict ends its phase. The other actions do not, and neither does anything behind "
            "`observe`.",
        [DOCS_LIMITS] =
            "Each is set by `limit NAME VALUE` in the configuration. Sizes are in octets, `K`, `M` "
            "and `G` being 1024 of them and its powers.",
        [DOCS_REPLIES] =
            "What Gatepost says in its own words. Those of a policy stand in its rules, and the "
            "next hop's are passed on as they are. Negative replies end in the decision's id.",
        [DOCS_COUNTERS] =
            "What `gatepost status` counts: the sums of all workers since Gatepost was started.",
        [DOCS_STANDARD] = "",
    };

    return introductions[section];
}

const char *docs_fact_name(const struct fact *f, struct arena *arena)
{
    struct slice name = slice_of(f->name);

    for (unsigned i = 0; i < f->parameters; i++) {
        name = arena_printf(arena, SLICE_FMT "%s%s", SLICE_ARG(name), i == 0 ? "(TEXT" : ", TEXT",
                            i + 1 == f->parameters ? ")" : "");
    }
    return name.p;
}

const char *docs_fact_prose(const struct fact *f, struct arena *arena)
{
    struct slice prose = slice_of(f->prose);

    for (size_t i = 0; f->words != NULL && f->words[i] != NULL; i++) {
        const char *between = i == 0 ? " One of" : f->words[i + 1] == NULL ? " and" : ",";
        prose = arena_printf(arena, SLICE_FMT "%s `%s`", SLICE_ARG(prose), between, f->words[i]);
    }
    return f->words != NULL ? arena_printf(arena, SLICE_FMT ".", SLICE_ARG(prose)).p : prose.p;
}

const char *docs_fact_keeping(const struct fact *f)
{
    return f->keeping == KEEPING_LIVE    ? "live"
           : f->keeping == KEEPING_JOINT ? "joint"
                                         : "remembered";
}

const char *docs_phases(unsigned phases, struct arena *arena)
{
    struct slice list = slice_of("");

    if (phases == (1u << PHASE_COUNT) - 1) {
        return "all";
    }
    for (unsigned p = 0; p < PHASE_COUNT; p++) {
        if ((phases & 1u << p) != 0) {
            list = arena_printf(arena, SLICE_FMT "%s%s", SLICE_ARG(list), list.n > 0 ? ", " : "",
                                phase_name((enum phase)p));
        }
    }
    return list.p;
}

void docs_wrap(struct buf *ret, const char *words, size_t column, size_t indent)
{
    bool first = true;

    while (*words != '\0') {
        size_t n = strcspn(words, " ");
        if (!first && column + 1 + n > DOCS_WIDTH) {
            buf_printf(ret, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            buf_append(ret, " ", 1);
            column++;
        }
        buf_append(ret, words, n);
        column += n;
        words += n;
        words += strspn(words, " ");
        first = false;
    }
    buf_append(ret, "\n", 1);
}
