/* The whole file: its statements in turn, what can only be judged at its end, and questions to the
 * finished configuration. */
#include "conf/conf.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "conf/parser.h"
#include "conf/source.h"

/* The names of all statements, or of those that may be repeated: "a, b and c". */
static const char *list_statements(struct parser *p, bool repeating, const char *last)
{
    struct buf list = {0};
    size_t left = 0;

    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        left += !repeating || statements[i].repeats;
    }
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (!repeating || statements[i].repeats) {
            left--;
            buf_printf(&list, "%s%s", statements[i].name, left > 1 ? ", " : left == 1 ? last : "");
        }
    }
    const char *kept = parser_keep(p, buf_slice(&list));
    buf_free(&list);
    return kept;
}

static int parse_statement(struct parser *p)
{
    struct token name = parser_peek(p);
    size_t i = 0;

    if (name.kind != TOKEN_WORD) {
        return parser_expected(p, &name, "a statement");
    }
    while (i < STATEMENT_COUNT && !slice_eq(name.text, slice_of(statements[i].name))) {
        i++;
    }
    if (i == STATEMENT_COUNT) {
        return parser_unknown(p, &name, "statement", &statements[0].name, STATEMENT_COUNT,
                              sizeof(statements[0]), list_statements(p, false, " or "));
    }
    struct place *first = &p->whole->statement_places[i];
    if (first->line != 0 && !statements[i].repeats) {
        struct slice what =
            arena_printf(&p->whole->arena, "statement but %s", list_statements(p, true, " and "));
        return parser_repeated(p, &name, what.p, *first);
    }
    if (first->line == 0) {
        *first = name.place;
    }
    p->name = parser_take(p);
    int r = statements[i].parse(p);
    return r < 0 ? r : parser_end(p);
}

int parser_statements(struct parser *p)
{
    for (;;) {
        struct token token = parser_peek(p);
        if (token.kind == TOKEN_END) {
            return 0;
        }
        if (token.kind == TOKEN_NEWLINE) {
            (void)parser_take(p);
            continue;
        }
        int r = parse_statement(p);
        if (r < 0) {
            return r;
        }
    }
}

static int check_required(struct parser *p)
{
    struct token end = parser_peek(p);

    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (statements[i].required && p->whole->statement_places[i].line == 0) {
            struct slice what =
                arena_printf(&p->whole->arena, "a statement \"%s\"", statements[i].name);
            return parser_expected(p, &end, what.p);
        }
    }
    return 0;
}

static int check_limits(struct parser *p)
{
    const struct conf_limits *limits = &p->conf->limits;
    char message[VALUE_TEXT_MAX], spool[VALUE_TEXT_MAX];

    if (limits->message_memory <= limits->spool_memory) {
        return 0;
    }
    return parser_fail(p, p->memory_place,
                       "expected message_memory to be at most spool_memory, found %s and %s",
                       value_format(VALUE_SIZE, limits->message_memory, message),
                       value_format(VALUE_SIZE, limits->spool_memory, spool));
}

/* ASCII letters compared without case; patterns are in lower case and have no NUL, where
 * strncasecmp would end. */
static int compare_names(struct slice a, struct slice b)
{
    int order = strncasecmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* For qsort: by pattern, equal ones in the order of the file. */
static int compare_domains(const void *a, const void *b)
{
    const struct conf_domain *x = *(const struct conf_domain *const *)a;
    const struct conf_domain *y = *(const struct conf_domain *const *)b;
    int order = compare_names(x->pattern, y->pattern);

    return order != 0 ? order : (x > y) - (x < y);
}

/* Makes what was read of domains `*ret`, and the same by pattern. */
static size_t keep_domains(struct parser *p, const struct buf *read, struct conf_domain **ret,
                           const struct conf_domain ***ret_sorted)
{
    const struct domain_entry *entries = (const void *)read->p;
    size_t count = read->n / sizeof(*entries);
    struct conf_domain *all = arena_alloc(&p->whole->arena, count * sizeof(*all));
    const struct conf_domain **sorted =
        arena_alloc(&p->whole->arena, count * sizeof(const struct conf_domain *));

    for (size_t i = 0; i < count; i++) {
        all[i] = entries[i].domain;
        sorted[i] = &all[i];
    }
    qsort(sorted, count, sizeof(const struct conf_domain *), compare_domains);
    *ret = all;
    *ret_sorted = sorted;
    return count;
}

/* The duplicate that stands first in the file is the one reported. */
static int check_domains(struct parser *p, const struct buf *read, const struct conf_domain *all,
                         const struct conf_domain *const *sorted, size_t count)
{
    const struct domain_entry *entries = (const void *)read->p;
    size_t first = 0, again = count;

    for (size_t i = 1; i < count; i++) {
        size_t before = (size_t)(sorted[i - 1] - all);
        size_t here = (size_t)(sorted[i] - all);
        if (here < again && slice_eq(all[before].pattern, all[here].pattern)) {
            first = before;
            again = here;
        }
    }
    if (again == count) {
        return 0;
    }
    struct token token = {TOKEN_WORD, all[again].pattern, entries[again].place};
    return parser_repeated(p, &token, "domain", entries[first].place);
}

/* A list for a domain that no mail is taken for is a slip of the pen. */
static int check_recipient_domains(struct parser *p)
{
    const struct domain_entry *entries = (const void *)p->recipient_domains.p;
    const struct conf *c = p->conf;

    for (size_t i = 0; i < c->recipient_domain_count; i++) {
        struct slice pattern = c->recipient_domains[i].pattern;
        if (pattern.p[0] != '.' && conf_route_find(c, pattern) == NULL) {
            struct token token = {TOKEN_WORD, pattern, entries[i].place};
            return parser_expected(p, &token, "a domain that has a route");
        }
    }
    return 0;
}

static void keep_listens(struct parser *p)
{
    const struct listen_entry *entries = (const void *)p->listens.p;
    struct conf_whole *w = p->whole;
    size_t count = p->listens.n / sizeof(*entries);

    w->conf.listen_count = count;
    w->conf.listen = arena_alloc(&w->arena, count * sizeof(*w->conf.listen));
    w->listen_places = arena_alloc(&w->arena, count * sizeof(*w->listen_places));
    for (size_t i = 0; i < count; i++) {
        w->conf.listen[i] = entries[i].addr;
        w->listen_places[i] = entries[i].place;
    }
}

static void keep_routes_and_others(struct parser *p)
{
    struct conf *c = p->conf;

    c->route_count = p->routes.n / sizeof(*c->routes);
    c->routes = (void *)parser_keep(p, buf_slice(&p->routes));
    c->hop_count = p->hops.n / sizeof(*c->hops);
    c->hops = (void *)parser_keep(p, buf_slice(&p->hops));
    c->recipients_count = p->recipients.n / sizeof(*c->recipients);
    c->recipients = (void *)parser_keep(p, buf_slice(&p->recipients));
    c->block_count = p->blocks.n / sizeof(*c->blocks);
    c->blocks = (void *)parser_keep(p, buf_slice(&p->blocks));
}

static unsigned processors(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    /* More processors than a cpu_set_t has bits. */
    return CPU_SETSIZE;
}

/* The journal is a neighbour of the state. */
static char *standard_journal(struct parser *p)
{
    const char *state = p->conf->state;
    size_t n = strlen(state);
    struct buf path = {0};

    while (n > 1 && state[n - 1] == '/') {
        n--;
    }
    while (n > 1 && state[n - 1] != '/') {
        n--;
    }
    buf_append(&path, state, n);
    buf_append_slice(&path, SLICE_LIT("journal.db"));
    char *kept = parser_keep(p, buf_slice(&path));
    buf_free(&path);
    return kept;
}

static void set_defaults(struct parser *p)
{
    struct conf *c = p->conf;

    if (c->authserv_id == NULL) {
        c->authserv_id = c->hostname;
    }
    if (c->state == NULL) {
        c->state = parser_keep(p, SLICE_LIT("/var/lib/gatepost/state"));
    }
    if (c->spool == NULL) {
        c->spool = parser_keep(p, SLICE_LIT("/var/spool/gatepost"));
    }
    if (c->control == NULL) {
        c->control = parser_keep(p, SLICE_LIT("/run/gatepost/control"));
    }
    if (c->journal == NULL && !p->whole->journal_off) {
        c->journal = standard_journal(p);
    }
    if (c->workers == 0) {
        unsigned n = processors();
        c->workers = n < CONF_WORKERS_MAX ? n : CONF_WORKERS_MAX;
    }
    if (c->inspectors == 0 && !p->whole->inspectors_off) {
        c->inspectors = c->workers;
    }
}

static int parse_all(struct parser *p)
{
    int r = parser_statements(p);

    if (r < 0) {
        return r;
    }
    struct conf *c = p->conf;
    c->domain_count = keep_domains(p, &p->domains, &c->domains, &c->domains_sorted);
    c->recipient_domain_count =
        keep_domains(p, &p->recipient_domains, &c->recipient_domains, &c->recipient_domains_sorted);
    keep_listens(p);
    keep_routes_and_others(p);
    set_defaults(p);
    r = check_domains(p, &p->domains, c->domains, c->domains_sorted, c->domain_count);
    r = r < 0 ? r
              : check_domains(p, &p->recipient_domains, c->recipient_domains,
                              c->recipient_domains_sorted, c->recipient_domain_count);
    r = r < 0 ? r : check_recipient_domains(p);
    r = r < 0 ? r : parser_settle_proxies(p);
    r = r < 0 ? r : parser_settle_resolver(p);
    r = r < 0 ? r : check_limits(p);
    return r < 0 ? r : check_required(p);
}

/* Fields of these names are ours to write. */
static void note_claims(struct parser *p)
{
    struct conf *c = &p->whole->conf;

    for (size_t i = 0; i < CONF_MARK_COUNT; i++) {
        if (c->marks[i] != NULL) {
            const struct slice name = slice_of(c->marks[i]);
            c->claims[c->claim_count++] = (struct slice){parser_keep_lower(p, name), name.n};
        }
    }
}

static int parse_text(struct parser *p, struct slice text)
{
    struct conf_whole *w = p->whole;
    struct source *source = arena_zalloc(&w->arena, sizeof(*source));

    source->name = arena_copy(&w->arena, slice_of(p->file)).p;
    source->text = arena_copy(&w->arena, source_text(text));
    lexer_init(&p->lexer, source, &w->arena);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        *setting_value(&settings[i], &w->conf.limits) = settings[i].standard;
    }
    w->conf.authentication_results = true;
    w->conf.marks[CONF_MARK_FLAG] = parser_keep(p, SLICE_LIT("X-Spam-Flag"));
    int r = parse_all(p);
    note_claims(p);
    buf_free(&p->listens);
    buf_free(&p->resolvers);
    buf_free(&p->proxies);
    buf_free(&p->routes);
    buf_free(&p->hops);
    buf_free(&p->domains);
    buf_free(&p->recipients);
    buf_free(&p->recipient_domains);
    buf_free(&p->blocks);
    return r;
}

int conf_parse_with(struct slice text, const char *file, const struct conf_reader *reader,
                    struct conf **ret, struct conf_error *ret_error)
{
    struct conf_whole *w = xcalloc(1, sizeof(*w));
    struct parser p = {.file = file, .error = ret_error, .whole = w, .conf = &w->conf};

    arena_init(&w->arena);
    w->conf.reader = reader != NULL ? *reader : source_disk;
    source_begin(w, file);
    int r = parse_text(&p, text);
    if (r < 0) {
        (void)conf_free(&w->conf);
        return r;
    }
    *ret = &w->conf;
    return 0;
}

int conf_parse(struct slice text, const char *file, struct conf **ret, struct conf_error *ret_error)
{
    return conf_parse_with(text, file, NULL, ret, ret_error);
}

int conf_load_with(const char *file, const struct conf_reader *reader, struct conf **ret,
                   struct conf_error *ret_error)
{
    struct buf text = {0};
    int r =
        reader != NULL ? reader->read(reader->arg, file, &text) : source_read(file, true, &text);

    if (r < 0) {
        conf_error_set(ret_error, file, (struct place){.line = 1, .column = 1},
                       "expected a readable file, found: %s", conf_source_error(r));
        r = -EINVAL;
    } else {
        r = conf_parse_with(buf_slice(&text), file, reader, ret, ret_error);
    }
    buf_free(&text);
    return r;
}

int conf_load(const char *file, struct conf **ret, struct conf_error *ret_error)
{
    return conf_load_with(file, NULL, ret, ret_error);
}

int conf_read_disk(const char *path, bool special, struct buf *ret)
{
    return source_read(path, special, ret);
}

struct conf *conf_free(struct conf *c)
{
    if (c != NULL) {
        struct conf_whole *w = (struct conf_whole *)(void *)c;
        arena_free(&w->arena);
        free(w);
    }
    return NULL;
}

static const struct conf_domain *find_pattern(const struct conf_domain *const *sorted, size_t count,
                                              struct slice pattern)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(pattern, sorted[middle]->pattern);
        if (order == 0) {
            return sorted[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* The longest pattern that fits. */
static const struct conf_domain *find_domain(const struct conf_domain *const *sorted, size_t count,
                                             struct slice domain)
{
    if (domain.n == 0) {
        return NULL;
    }
    const struct conf_domain *found = find_pattern(sorted, count, domain);
    const char *end = domain.p + domain.n;
    const char *dot = domain.p;

    /* "a.example.org" itself, then ".example.org", then ".org"; each is shorter than the one
     * before, so that the first found is the longest. A dot in front would make the domain itself
     * a pattern for subdomains. */
    if (*dot == '.') {
        return NULL;
    }
    while (found == NULL && (dot = memchr(dot, '.', (size_t)(end - dot))) != NULL) {
        found = find_pattern(sorted, count, (struct slice){dot, (size_t)(end - dot)});
        dot++;
    }
    if (found == NULL) {
        found = find_pattern(sorted, count, SLICE_LIT("."));
    }
    return found;
}

const struct conf_route *conf_route_find(const struct conf *c, struct slice domain)
{
    const struct conf_domain *found = find_domain(c->domains_sorted, c->domain_count, domain);

    return found != NULL ? found->route : NULL;
}

bool conf_has_own_route(const struct conf *c, struct slice domain)
{
    const struct conf_domain *found = find_domain(c->domains_sorted, c->domain_count, domain);

    return found != NULL && found->pattern.n > 1;
}

const struct conf_recipients *conf_recipients_find(const struct conf *c, struct slice domain)
{
    const struct conf_domain *found =
        find_domain(c->recipient_domains_sorted, c->recipient_domain_count, domain);

    return found != NULL ? found->recipients : NULL;
}

struct place conf_place_of_listen(const struct conf *c, size_t i)
{
    const struct conf_whole *w = (const struct conf_whole *)(const void *)c;

    return w->listen_places[i];
}

struct place conf_place_of_statement(const struct conf *c, const char *name)
{
    const struct conf_whole *w = (const struct conf_whole *)(const void *)c;

    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (strcmp(statements[i].name, name) == 0) {
            return w->statement_places[i];
        }
    }
    return (struct place){0};
}
