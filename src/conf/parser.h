/* What the statements of the configuration share: the next token, the wording of errors, and what
 * has been read so far. Internal to src/conf. */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/lexer.h"
#include "conf/settings.h"

struct listen_entry {
    struct addr addr;
    struct place place;
};

struct proxy_entry {
    struct conf_network network;
    struct token token; /* as it was written */
};

struct domain_entry {
    struct conf_domain domain;
    struct place place;
};

enum statement_index {
    STATEMENT_AUTHENTICATION_RESULTS,
    STATEMENT_AUTHSERV_ID,
    STATEMENT_CLAMD,
    STATEMENT_CONTROL,
    STATEMENT_DECISIONS,
    STATEMENT_DNSSEC,
    STATEMENT_HOSTNAME,
    STATEMENT_INCLUDE,
    STATEMENT_INSPECTORS,
    STATEMENT_JOURNAL,
    STATEMENT_LIMIT,
    STATEMENT_LISTEN,
    STATEMENT_LOG,
    STATEMENT_MARKS,
    STATEMENT_POLICY,
    STATEMENT_PROXY,
    STATEMENT_RECEIVED_SPF,
    STATEMENT_RECIPIENTS,
    STATEMENT_RESOLVER,
    STATEMENT_ROOT_HINTS,
    STATEMENT_ROUTE,
    STATEMENT_RSPAMD,
    STATEMENT_SET,
    STATEMENT_SPAMASSASSIN,
    STATEMENT_SPOOL,
    STATEMENT_STATE,
    STATEMENT_TABLE,
    STATEMENT_TLS,
    STATEMENT_TRUST_ANCHOR,
    STATEMENT_USER,
    STATEMENT_WORKERS,
    STATEMENT_COUNT
};

/* What conf_parse really allocates; `conf` is first and all it points to is in `arena`. */
struct conf_whole {
    struct conf conf;
    struct arena arena;
    const char *path;    /* of the first file, absolute */
    size_t source_count; /* files read, the first not counted */
    bool journal_off;    /* by a statement */
    bool inspectors_off;
    struct place *listen_places;
    struct place statement_places[STATEMENT_COUNT]; /* of the first one, line 0 for none */
};

struct parser {
    struct lexer lexer;
    struct token token; /* the next one, when has_token */
    bool has_token;
    struct token name; /* of the statement being read */
    const char *file;  /* named in errors without a source */
    struct conf_error *error;
    struct conf_whole *whole;
    struct conf *conf;                       /* &whole->conf */
    struct buf listens;                      /* struct listen_entry */
    struct buf resolvers;                    /* struct listen_entry */
    bool resolver_word;                      /* instead of them */
    struct buf proxies;                      /* struct proxy_entry */
    struct buf routes;                       /* struct conf_route * */
    struct buf hops;                         /* struct conf_hop * */
    struct buf domains;                      /* struct domain_entry */
    struct buf recipients;                   /* struct conf_recipients * */
    struct buf recipient_domains;            /* struct domain_entry */
    struct buf blocks;                       /* struct conf_block */
    struct place limit_place[SETTING_COUNT]; /* line 0 for none */
    struct place memory_place;               /* of the last limit message_memory or spool_memory */
};

struct statement {
    const char *name;
    bool repeats; /* may be there more than once */
    bool required;
    int (*parse)(struct parser *p); /* what follows the name, up to the end of the statement */
};

extern const struct statement statements[STATEMENT_COUNT];

/* All statements up to the end of the file. */
int parser_statements(struct parser *p);

/* route DOMAIN[, DOMAIN…] to HOP … (route.c) */
int parse_route(struct parser *p);

/* proxy NETWORK[, NETWORK…] (proxy.c); and, at the end of the file, what all of them are */
int parse_proxy(struct parser *p);
int parser_settle_proxies(struct parser *p);

/* recipients DOMAIN[, DOMAIN…] from SOURCE (recipients.c) */
int parse_recipients(struct parser *p);

/* clamd PLACE, rspamd PLACE, spamassassin PLACE [user NAME] (scanner.c) */
int parse_clamd(struct parser *p);
int parse_rspamd(struct parser *p);
int parse_spamassassin(struct parser *p);

/* resolver recursive|system|none|ADDRESS[:PORT][, ADDRESS[:PORT]…], dnssec on|off, trust_anchor
 * FILE and root_hints FILE (resolver.c); and, at the end of the file, what all of them are. */
int parse_resolver(struct parser *p);
int parse_dnssec(struct parser *p);
int parse_trust_anchor(struct parser *p);
int parse_root_hints(struct parser *p);
int parser_settle_resolver(struct parser *p);

/* The statements that src/policy reads (block.c). */
int parse_table(struct parser *p);
int parse_set(struct parser *p);
int parse_policy(struct parser *p);

/* What `route` has in common with others (route.c): DOMAIN[, DOMAIN…] into a buf of struct
 * domain_entry; and servers with their options as a route, up to "else" or the end of the line. */
int parser_domains(struct parser *p, struct buf *ret);
int parser_servers(struct parser *p, const struct conf_route **ret);

/* The next token, left in place or taken. It may be a TOKEN_BAD, which is no value, no word and no
 * comma: parser_expected knows it. */
struct token parser_peek(struct parser *p);
struct token parser_take(struct parser *p);

/* Writes the one error; always -EINVAL. */
int parser_fail(struct parser *p, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "expected WHAT, found …"; always -EINVAL. */
int parser_expected(struct parser *p, const struct token *found, const char *what);

/* "unknown KIND "…", did you mean …" or, when nothing is close, "expected EXPECTED"; always
 * -EINVAL. The names are passed as to suggest(). */
int parser_unknown(struct parser *p, const struct token *found, const char *kind,
                   const char *const *names, size_t count, size_t stride, const char *expected);

/* "expected each WHAT once, found … again (the first is in line LINE)"; always -EINVAL. */
int parser_repeated(struct parser *p, const struct token *found, const char *what,
                    struct place first);

/* Takes a word or string; `what` says which, for the error. */
int parser_value(struct parser *p, const char *what, struct token *ret);

/* Takes the word `keyword`; `what` names all that could stand here. */
int parser_keyword(struct parser *p, const char *keyword, const char *what);

/* Takes a comma if it is next. */
bool parser_comma(struct parser *p);

/* Is the statement at its end? Takes nothing. Else the error, -EINVAL. */
int parser_end(struct parser *p);

/* The next value, which must be an absolute path, kept in *ret: 0 or -EINVAL, the error set. */
int parser_path(struct parser *p, const char *what, char **ret);

/* Takes "on" or "off". */
int parser_switch(struct parser *p, bool *ret);

/* A copy that lives as long as the configuration. */
char *parser_keep(struct parser *p, struct slice text);
/* The same with its ASCII letters in lower case. */
char *parser_keep_lower(struct parser *p, struct slice text);
