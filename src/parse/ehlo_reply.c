/* See parse/ehlo_reply.h.
 *
 *   ehlo-line = ehlo-keyword *( SP ehlo-param )
 *
 * Letters count without case. A keyword said twice has the sum of both meanings. */
#include "parse/ehlo_reply.h"

#include "parse/smtp_command.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static unsigned attribute_named(struct slice word)
{
    static const struct {
        struct slice name;
        enum client_attribute attribute;
    } attributes[] = {
        {SLICE_LIT("NAME"), CLIENT_NAME},     {SLICE_LIT("ADDR"), CLIENT_ADDR},
        {SLICE_LIT("PORT"), CLIENT_PORT},     {SLICE_LIT("PROTO"), CLIENT_PROTO},
        {SLICE_LIT("HELO"), CLIENT_HELO},     {SLICE_LIT("IDENT"), CLIENT_IDENT},
        {SLICE_LIT("SOURCE"), CLIENT_SOURCE},
    };

    for (size_t i = 0; i < COUNT(attributes); i++) {
        if (slice_eq_nocase(word, attributes[i].name)) {
            return attributes[i].attribute;
        }
    }
    return 0;
}

/* "NAME ADDR PROTO…" */
static unsigned attributes_in(struct slice words)
{
    unsigned found = 0;

    while (words.n > 0) {
        struct slice word;
        smtp_command_split(words, &word, &words);
        found |= attribute_named(word);
    }
    return found;
}

static bool *flag_named(struct hop_capabilities *can, struct slice keyword)
{
    const struct {
        struct slice name;
        bool *flag;
    } flags[] = {
        {SLICE_LIT("PIPELINING"), &can->pipelining},
        {SLICE_LIT("8BITMIME"), &can->eightbitmime},
        {SLICE_LIT("SMTPUTF8"), &can->smtputf8},
        {SLICE_LIT("CHUNKING"), &can->chunking},
        {SLICE_LIT("ENHANCEDSTATUSCODES"), &can->enhanced_codes},
        {SLICE_LIT("STARTTLS"), &can->starttls},
        {SLICE_LIT("DSN"), &can->dsn},
        {SLICE_LIT("SIZE"), &can->size},
    };

    for (size_t i = 0; i < COUNT(flags); i++) {
        if (slice_eq_nocase(keyword, flags[i].name)) {
            return flags[i].flag;
        }
    }
    return NULL;
}

static void take_line(struct hop_capabilities *can, struct slice line)
{
    struct slice keyword, parameters;
    uint64_t limit;
    smtp_command_split(line, &keyword, &parameters);
    bool *flag = flag_named(can, keyword);

    if (flag != NULL) {
        *flag = true;
        if (flag == &can->size && smtp_number_parse(parameters, &limit) == 0) {
            can->size_limit = limit;
        }
    } else if (slice_eq_nocase(keyword, SLICE_LIT("XFORWARD"))) {
        can->xforward |= attributes_in(parameters);
    } else if (slice_eq_nocase(keyword, SLICE_LIT("XCLIENT"))) {
        can->xclient |= attributes_in(parameters);
    }
}

void ehlo_reply_parse(struct slice text, struct hop_capabilities *ret)
{
    const char *end = text.p + text.n;
    const char *line = text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;

    *ret = (struct hop_capabilities){0};
    while (line != NULL) {
        line++;
        const char *next = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
        const char *stop = next != NULL ? next : end;
        take_line(ret, (struct slice){line, (size_t)(stop - line)});
        line = next;
    }
}
