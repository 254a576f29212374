/* The configuration file as a struct. Read once, checked, then never changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"
#include "conf/lexer.h"

/* What a `limit NAME VALUE` sets; rows in tbl/settings.h, sizes in octets, durations in usec_t. */
struct conf_limits {
#define SETTING(name, kind, standard, min, max, prose) int64_t name;
#include "tbl/settings.h"
#undef SETTING
};

enum conf_hop_kind { CONF_HOP_SMTP, CONF_HOP_LMTP };

/* What a connection to a hop must be like: STARTTLS where it is offered; with a certificate that
 * was verified for tls_name, or no mail; never. */
enum conf_hop_tls { CONF_HOP_TLS_OPPORTUNISTIC, CONF_HOP_TLS_VERIFIED, CONF_HOP_TLS_NONE };

/* A server that mail is handed to, and how to talk to it. Exactly one of addr, host and path says
 * where it is. */
struct conf_hop {
    enum conf_hop_kind kind;
    struct addr addr; /* ADDR_NONE for a name or path, but with the port of a name */
    char *host;       /* name to be resolved when connecting, in lower case; NULL */
    char *path;       /* of a Unix socket, fits into sun_path; NULL */
    enum conf_hop_tls tls;
    char *tls_name; /* SNI, and the name that the certificate must have; NULL for an address or path
                       without `name`, which has none */
    char *tls_ca;   /* file of trusted certificates; NULL: the system's */
    bool only_tls13;
    struct place tls_place; /* where it says whom to trust, for errors found later */
    bool xclient;           /* tell it the client by XCLIENT where it offers that */
    char *junk_detail; /* LMTP: "+Junk", put to the local part for the junk folder; NULL: not */
    char *name;        /* as first written: "smtp://10.0.0.5:25"; for logs and decisions */
    size_t index;      /* in conf->hops */
};

/* How deep sun_path is, its NUL included. */
#define CONF_UNIX_PATH_MAX 108

/* A hop as one route uses it. */
struct conf_route_hop {
    const struct conf_hop *hop;
    unsigned weight; /* 1 to CONF_WEIGHT_MAX */
    bool standby;    /* used only when no other hop of the route is well */
};

/* Of a junk folder's name, in octets. */
#define CONF_JUNK_MOST      ((size_t)100)

#define CONF_WEIGHT_MAX     1000
#define CONF_ROUTE_HOPS_MAX 64

enum conf_route_kind { CONF_ROUTE_SMTP, CONF_ROUTE_LMTP, CONF_ROUTE_MAILDIR };

/* Where the mail of some domains goes; several statements with the same hops and options are one.
 */
struct conf_route {
    enum conf_route_kind kind;
    struct conf_route_hop *hops; /* in the order of the file; all of the route's kind, one is no
                                    standby; none for a Maildir */
    size_t hop_count;
    char *folder;      /* Maildir: template with %{rcpt.local_part} and %{rcpt.domain}; else NULL */
    char *junk_folder; /* Maildir: the name of the junk folder, without its dot; else NULL */
    char *name;   /* as first written behind "to", blanks made one each; for logs and decisions */
    size_t index; /* in conf->routes */
    bool takes_mail; /* of some domain; else its servers are only asked about recipients */
};

enum conf_recipients_kind { CONF_RECIPIENTS_FILE, CONF_RECIPIENTS_SQLITE, CONF_RECIPIENTS_SERVER };

/* Who knows the recipients of some domains, beside the next hop. */
struct conf_recipients {
    enum conf_recipients_kind kind;
    char *path;                      /* file, sqlite: absolute */
    char *delimiters;                /* file: what begins an extension of a local part; "" */
    char *query;                     /* sqlite */
    const struct conf_route *server; /* server: no Maildir */
    bool otherwise_accept; /* server: what it cannot be asked about is the next hop's to decide */
    char *name;            /* as written behind "from", without what follows; for people */
    size_t index;          /* in conf->recipients */
    struct place path_place;
    struct place query_place;
};

/* Outside services that look at a message before it is accepted. */
enum conf_scanner_kind { CONF_CLAMD, CONF_RSPAMD, CONF_SPAMASSASSIN, CONF_SCANNERS };

/* Exactly one of addr, host and path says where it is, as of a hop. */
struct conf_scanner {
    bool configured;
    struct addr addr; /* ADDR_NONE for a name or path, but with the port of a name */
    char *host;
    char *path;
    bool descriptor; /* clamd at a path: it is given the message's descriptor, not its octets */
    char *user;      /* spamassassin: whose settings count; NULL: the server's own choice */
    char *name; /* as written: "clamd unix:/run/clamav/clamd.ctl"; for the log and the status */
};

/* "example.org" matches itself, ".example.org" its subdomains, "." everything. Lower case. */
struct conf_domain {
    struct slice pattern;
    const struct conf_route *route;           /* of `route` */
    const struct conf_recipients *recipients; /* of `recipients` */
};

/* Bounded because a worker's slot in decision ids has 1024 values and draining workers keep theirs.
 */
#define CONF_WORKERS_MAX 256

enum conf_decisions { CONF_DECISIONS_STDOUT, CONF_DECISIONS_JOURNALD, CONF_DECISIONS_FILE };

/* How names are looked up: from the root downwards, by the servers of /etc/resolv.conf, by those
 * named, or not in the DNS at all. */
enum conf_resolver {
    CONF_RESOLVER_RECURSIVE,
    CONF_RESOLVER_SYSTEM,
    CONF_RESOLVER_NONE,
    CONF_RESOLVER_SERVERS
};

/* Where the root's keys are by Debian's package dns-root-data. */
#define CONF_TRUST_ANCHOR "/usr/share/dns/root.key"

/* Where the operator's log goes. AUTO: to journald where standard error leads there, else to it. */
enum conf_log { CONF_LOG_AUTO, CONF_LOG_STDERR, CONF_LOG_JOURNALD };

/* A statement that src/policy reads: `table`, `set` or `policy`, from its first word to its end. */
enum conf_block_kind { CONF_BLOCK_TABLE, CONF_BLOCK_SET, CONF_BLOCK_POLICY };

struct conf_block {
    enum conf_block_kind kind;
    struct slice text; /* inside place.source->text */
    struct place place;
};

/* An address with the number of its leading bits that count. */
struct conf_network {
    struct addr addr;
    unsigned bits;
};

/* Reads a whole file; for include and tables. 0, or a negative errno. `path` is absolute, *ret
 * empty; what it holds after a failure is dropped. */
struct conf_reader {
    int (*read)(void *arg, const char *path, struct buf *ret);
    void *arg; /* as long as the configuration */
};

/* Fields that Sieve scripts read: YES for a marked message, its doubt, and that with the reasons.
 */
enum conf_mark { CONF_MARK_FLAG, CONF_MARK_SCORE, CONF_MARK_STATUS, CONF_MARK_COUNT };

struct conf {
    char *hostname;
    char *authserv_id;            /* who we are in Authentication-Results fields (RFC 8601 2.5) */
    bool authentication_results;  /* such a field is added, and forged ones are removed */
    bool received_spf;            /* a Received-SPF field is added */
    char *marks[CONF_MARK_COUNT]; /* names of the fields that tell what we think of a message; NULL:
                                     it is not told */
    struct slice claims[CONF_MARK_COUNT]; /* these names in lower case, NULs behind them */
    size_t claim_count;
    struct addr *listen;
    size_t listen_count;
    /* Peers whose connections begin with a PROXY header: by address, none inside another. */
    struct conf_network *proxies;
    size_t proxy_count;
    enum conf_resolver resolver;
    struct addr *resolvers; /* servers of the DNS to be asked (CONF_RESOLVER_SERVERS) */
    size_t resolver_count;
    bool dnssec;        /* answers are validated */
    char *trust_anchor; /* from here; NULL: they are not */
    char *root_hints;   /* servers of the root; NULL: those known anyway */
    char *tls_cert;     /* NULL: STARTTLS is not offered */
    char *tls_key;
    struct conf_route **routes; /* in the order of the file, each once */
    size_t route_count;
    struct conf_hop **hops; /* of all routes, in the order of the file, each once */
    size_t hop_count;
    struct conf_domain *domains;               /* in the order of the file */
    const struct conf_domain **domains_sorted; /* the same by pattern, for conf_route_find */
    size_t domain_count;
    struct conf_recipients **recipients; /* in the order of the file */
    size_t recipients_count;
    struct conf_domain *recipient_domains; /* as above */
    const struct conf_domain **recipient_domains_sorted;
    size_t recipient_domain_count;
    struct conf_scanner scanners[CONF_SCANNERS];
    char *state;         /* folder of the LMDB environment */
    char *spool;         /* folder for messages that do not fit into memory */
    char *user;          /* NULL: not given */
    char *control;       /* path of the control socket */
    unsigned inspectors; /* 0: none */
    unsigned workers;    /* 0 in the file: one for each processor this process may use */
    enum conf_decisions decisions;
    char *decisions_file;
    char *journal; /* the database of decisions; NULL: none is kept */
    enum conf_log log;
    struct conf_limits limits;
    struct conf_block *blocks; /* in their order, those of included files in their place */
    size_t block_count;
    struct conf_reader reader;
};

/* Where and why a configuration was refused: "FILE:LINE:COLUMN: cause", one line without its end.
 */
struct conf_error {
    char text[768];
    char excerpt[512]; /* the line and a caret below the column, both ended (conf/finding.h), or ""
                        */
};

/* Parses and checks `text` (any octets), named `file` in errors. 0 and *ret, which the caller gives
 * to conf_free; or -EINVAL with *ret_error filled and *ret untouched. */
int conf_parse(struct slice text, const char *file, struct conf **ret,
               struct conf_error *ret_error);

/* The same with included files and tables read by `reader`; NULL: from disk, regular files of at
 * most 16 MiB. */
int conf_parse_with(struct slice text, const char *file, const struct conf_reader *reader,
                    struct conf **ret, struct conf_error *ret_error);

/* The same for a file on disk; also -EINVAL when it cannot be read. */
int conf_load(const char *file, struct conf **ret, struct conf_error *ret_error);

/* The same with `file` itself read by `reader` too. */
int conf_load_with(const char *file, const struct conf_reader *reader, struct conf **ret,
                   struct conf_error *ret_error);

/* How files are read where no reader is given, for readers that do something beside; `special`: the
 * file may be a pipe, as the first one may. 0 or a negative errno. */
int conf_read_disk(const char *path, bool special, struct buf *ret);

/* How deep files may name each other, the first not counted, and how many may be read in all. */
#define CONF_SOURCES_DEEP 16
#define CONF_SOURCES_MAX  1000

/* A file that include, or a table inside a policy, names: `path` as written in `place`, made
 * absolute by the folder of the file it stands in. Kept as long as the configuration, which is not
 * locked: for one thread. 0 and *ret; or a negative errno: -EDEADLK for a file that is being read
 * already (place.source, or one that led to it), -EMLINK and -E2BIG beyond the bounds above,
 * -ENODEV for what is no regular file, else what the reader says. */
int conf_read_source(const struct conf *c, struct place place, struct slice path,
                     const struct source **ret);

/* What was wrong, for messages. */
const char *conf_source_error(int error);

struct conf *conf_free(struct conf *c);

/* The route of a domain, letters compared without case: the longest pattern wins; NULL for none and
 * for an empty domain. */
const struct conf_route *conf_route_find(const struct conf *c, struct slice domain);

/* Is there a route that was written with this domain in mind? One for all domains is not. */
bool conf_has_own_route(const struct conf *c, struct slice domain);

/* Who knows the recipients of a domain beside its next hop, by the same rule; NULL: nobody. */
const struct conf_recipients *conf_recipients_find(const struct conf *c, struct slice domain);

/* Is the address inside one of the networks behind "proxy"? */
bool conf_is_proxy(const struct conf *c, const struct addr *a);

/* For errors found later (a busy port, a certificate that is not there): where `listen` address
 * number `i`, and the first statement `name`, stood; line 0 when there is none and its default
 * applies. An included file may have it. */
struct place conf_place_of_listen(const struct conf *c, size_t i);
struct place conf_place_of_statement(const struct conf *c, const char *name);

/* Words such an error, with its excerpt; `file` is named for a place without a source. */
void conf_error_set(struct conf_error *ret, const char *file, struct place place,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
