/* The facts that take apart what a client wrote: the name it gives with EHLO, and the sender's
 * domain. The path parser, which reads the same texts along the grammar, must agree. */
#include "fuzz.h"

#include "fact/fact.h"
#include "parse/smtp_address.h"

static struct value asked(enum fact_id id, const struct evidence *e)
{
    const struct fact_use use = {&facts[id], NULL, 0};
    struct value v;

    FUZZ_CHECK(fact_ask(&use, e, &v) == 0 && v.type == facts[id].type && v.state == VALUE_KNOWN);
    return v;
}

/* Is it the domain of an address "a@…"? An octet above 127 is none that EHLO may have. */
static bool is_domain(struct slice text, bool *ret_literal)
{
    struct smtp_path path = {.null = false};
    struct slice rest = {NULL, 0};
    size_t n = text.n + 4;
    char *whole = malloc(n);

    FUZZ_CHECK(whole);
    memcpy(whole, "<a@", 3);
    if (text.n > 0)
        memcpy(whole + 3, text.p, text.n);
    whole[n - 1] = '>';
    bool is = smtp_path_parse((struct slice){whole, n}, SMTP_REVERSE_PATH, false, &path, &rest) ==
                  SMTP_PATH_OK &&
              rest.n == 0 && path.domain.n == text.n;
    *ret_literal = is && path.literal;
    free(whole);
    return is;
}

static void check_helo(struct slice helo, const struct evidence *e)
{
    const char *form = helo_form_words[asked(FACT_helo_form, e).number];
    struct slice name = helo;
    bool literal;

    /* The session counts a dot at the end, too. */
    FUZZ_CHECK(strcmp(form, "invalid") == 0 || smtp_helo_valid(helo) || helo.n == 256);
    if (strcmp(form, "literal") == 0)
        FUZZ_CHECK(is_domain(helo, &literal) && literal);
    if (strcmp(form, "domain") == 0 || strcmp(form, "label") == 0) {
        name.n -= name.p[name.n - 1] == '.';
        FUZZ_CHECK(is_domain(name, &literal) && !literal);
        FUZZ_CHECK((memchr(name.p, '.', name.n) != NULL) == (strcmp(form, "domain") == 0));
    }
    if (strcmp(form, "invalid") == 0)
        FUZZ_CHECK(!asked(FACT_helo_mine, e).boolean);
    else
        (void)asked(FACT_helo_mine, e);
}

static void check_sender(struct slice text, struct evidence *e)
{
    struct smtp_path path;
    struct slice rest;

    e->sender = text;
    struct slice domain = asked(FACT_sender_domain, e).text;
    FUZZ_CHECK(domain.n == 0 || fuzz_within(domain, text));
    (void)asked(FACT_sender_mine, e);
    if (smtp_path_parse(text, SMTP_REVERSE_PATH, true, &path, &rest) != SMTP_PATH_OK)
        return;
    e->sender = path.mailbox;
    FUZZ_CHECK(slice_eq(asked(FACT_sender_domain, e).text, path.domain));
    bool mine = asked(FACT_sender_mine, e).boolean;
    FUZZ_CHECK(mine == (conf_route_find(e->conf, path.domain) != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "hostname mx.example.org\nlisten 127.0.0.1:25\n"
                               "route example.org, .example.net, net to smtp://127.0.0.1\n";
    static struct conf *conf;
    struct conf_error error;
    struct evidence e = {0};

    if (!conf)
        FUZZ_CHECK(conf_parse(SLICE_LIT(text), "fuzz", &conf, &error) == 0);
    e.conf = conf;
    e.helo = (struct slice){fuzz_copy(data, size), size};
    FUZZ_CHECK(addr_parse(SLICE_LIT("192.0.2.1"), &e.local) == 0);
    check_helo(e.helo, &e);
    check_sender(e.helo, &e);
    free((char *)e.helo.p);
    return 0;
}
