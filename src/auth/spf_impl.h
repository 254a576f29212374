/* What the files of the SPF check share.
 *
 * Functions that return an int and can fail return 0 (or what they say), or one of
 *   SPF_TEMPERROR, SPF_PERMERROR: the whole check ends so; c->problem says why;
 *   -ECANCELED: the caller unwinds. */
#pragma once

#include <errno.h>

#include "auth/spf.h"
#include "client/resolver.h"
#include "parse/spf_record.h"

#define SPF_TEMPERROR (-EAGAIN)
#define SPF_PERMERROR (-EBADMSG)

/* The client's names, as PTR records have them (5.5); asked for when they are first wanted. */
enum spf_name_state { SPF_NAME_UNTRIED, SPF_NAME_VALID, SPF_NAME_INVALID, SPF_NAME_VOID };

struct spf_names {
    bool asked;
    bool is_void; /* the client has none */
    size_t count;
    struct spf_name {
        struct dns_name name;
        enum spf_name_state state;
    } * names; /* SPF_PTR_MOST */
};

struct spf_check {
    const struct spf_query *query;
    struct arena *arena;  /* the caller's: for what outlives the check */
    struct arena kept;    /* until the check ends: records, domains */
    struct arena scratch; /* until the next term: answers */
    struct addr client;
    struct spf_values values; /* of macros; SPF_MACRO_DOMAIN is the current <domain> */
    struct spf_names names;
    struct dns_name name; /* for a moment, between two waits: off the stack */
    char ip[64], client_text[ADDR_TEXT_MAX], time_text[24];
    bool odd_local_part; /* it has octets above 127 */
    bool explaining;     /* limits count no more (4.6.4 has them for the evaluation) */
    bool void_counted;   /* for the term that is being evaluated */
    unsigned lookups;
    unsigned voids;
    struct slice problem;
};

/* What check_host() comes to. */
struct spf_verdict {
    enum auth_result result;
    struct slice mechanism;
    struct slice domain; /* the <domain> in the end, behind all redirects */
    struct slice exp;    /* that record's; empty: none */
};

/* check_host() of RFC 7208 4 for this domain: 0 with *ret, or -ECANCELED. Calls itself for
 * "include", never deeper than SPF_LOOKUPS_MOST. */
int spf_check_host(struct spf_check *c, struct slice domain, struct spf_verdict *ret);

/* Does a mechanism other than "all" and "include" match? 1 or 0, or as above. */
int spf_match(struct spf_check *c, const struct spf_term *term);

/* The target-name of a term (4.8): its domain-spec expanded, or the current domain. May ask the
 * DNS, for %{p}. 1; 0 where it cannot be a name; or as above. *ret lives in `arena`. */
int spf_target(struct spf_check *c, const struct spf_term *term, struct arena *arena,
               struct slice *ret);

/* The explanation of a fail (6.2), in c->arena; "" where none can be had. 0 or -ECANCELED. */
int spf_explain(struct spf_check *c, const struct spf_verdict *verdict, struct slice *ret);

/* ---- the DNS ---- */

/* Counts a term that asks the DNS; before it does. */
int spf_count_lookup(struct spf_check *c);

/* Counts a term to one of whose questions the DNS has nothing; once for each term. */
int spf_count_void(struct spf_check *c);

/* Asks all at once and waits for them, in `arena`. An answer may be an error. 0 or -ECANCELED; or
 * SPF_TEMPERROR when the check's time is over. */
int spf_ask(struct spf_check *c, struct dns_question *questions, size_t n, struct arena *arena);

/* An answer that the check needs: 1 where there are records; 0 where there are none, which is
 * counted; or as above. */
int spf_use(struct spf_check *c, const struct dns_question *q);

/* One question for `name`, which may be no name of the DNS: then there is no record (0). Like
 * spf_ask and spf_use together; *ret is in the scratch arena. */
int spf_look_up(struct spf_check *c, struct slice name, enum dns_type type,
                const struct dns_answer **ret);

/* Has an answer to a question for addresses the client within the given bits? */
bool spf_has_client(const struct spf_check *c, const struct dns_answer *answer, unsigned bits);

/* A or AAAA, as the client's address is. */
enum dns_type spf_address_type(const struct spf_check *c);

/* ---- the client's names (5.5, 7.3) ---- */

/* Has the client a validated name that is `target` or below it? 1 or 0, or as above. */
int spf_names_match(struct spf_check *c, struct slice target);

/* Sets what %{p} stands for. 0 or as above. */
int spf_names_expand(struct spf_check *c);

/* ---- what is wrong ---- */

/* Sets c->problem, in c->arena, and returns `error`. */
int spf_problem(struct spf_check *c, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A copy in c->arena of at most SPF_TEXT_MOST octets, all of them printable US-ASCII. */
struct slice spf_clean(struct arena *arena, struct slice text);
