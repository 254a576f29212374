/* See parse/auth_results.h. By the grammar of RFC 8601 2.2:
 *
 *   authres-payload = [CFWS] authserv-id [CFWS authres-version] (no-result / 1*resinfo) [CFWS]
 *   no-result       = [CFWS] ";" [CFWS] "none"
 *   resinfo         = [CFWS] ";" methodspec [CFWS reasonspec] [CFWS 1*propspec]
 *   methodspec      = [CFWS] method [CFWS] "=" [CFWS] result
 *   method          = Keyword [[CFWS] "/" [CFWS] method-version]
 *   reasonspec      = "reason" [CFWS] "=" [CFWS] value
 *   propspec        = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue
 *   pvalue          = [CFWS] ((value / [[local-part] "@"] domain-name) [CFWS])
 *
 * A value without quotes may hold more than a token: colons of an IPv6 address, "/" and "=" of
 * base64. A resinfo that cannot be read is passed over up to the next ";". */
#include "parse/auth_results.h"

#include <errno.h>

#include "parse/ascii.h"
#include "parse/dns_name.h"
#include "parse/field_cursor.h"

struct reading {
    struct field_cursor c;
    struct arena *arena;
    struct auth_results *results;
};

/* Keyword = Ldh-str, and the underscore that some methods' names have */
static bool keyword(struct field_cursor *c, struct slice *ret)
{
    const char *from = c->at;

    while (ascii_is_let_dig(field_peek(c)) || field_peek(c) == '-' || field_peek(c) == '_') {
        c->at++;
    }
    *ret = field_since(c, from);
    return ret->n > 0;
}

static bool is_value_text(int c)
{
    return c > ' ' && c != 127 && c != ';' && c != '(' && c != ')' && c != '"' && c != '\\';
}

static bool skip_value_text(struct field_cursor *c)
{
    const char *from = c->at;

    while (is_value_text(field_peek(c))) {
        c->at++;
    }
    return c->at > from;
}

/* value, or what people write for one. A quoted string with "@" behind it is a local part, and
 * stays as it is. */
static bool value(struct reading *r, struct slice *ret)
{
    const char *from = r->c.at;

    if (!field_quoted(&r->c, r->arena, ret)) {
        if (!skip_value_text(&r->c)) {
            return false;
        }
        *ret = field_since(&r->c, from);
    } else if (field_peek(&r->c) == '@') {
        (void)skip_value_text(&r->c);
        *ret = field_since(&r->c, from);
    }
    return true;
}

/* [CFWS] CHARACTER [CFWS] */
static bool separator(struct reading *r, char expected)
{
    return field_skip_cfws(&r->c) && field_skip(&r->c, expected) && field_skip_cfws(&r->c);
}

/* methodspec, from the method on */
static bool method_spec(struct reading *r, struct auth_method *m)
{
    if (!keyword(&r->c, &m->method) || !field_skip_cfws(&r->c)) {
        return false;
    }
    if (field_skip(&r->c, '/')) {
        if (!field_skip_cfws(&r->c) || !keyword(&r->c, &m->version)) {
            return false;
        }
    }
    return separator(r, '=') && keyword(&r->c, &m->result);
}

/* reasonspec or propspec, from its first word on */
static bool reason_or_property(struct reading *r, struct auth_method *m, struct auth_property *ret)
{
    if (!keyword(&r->c, &ret->type) || !field_skip_cfws(&r->c)) {
        return false;
    }
    if (slice_eq_nocase(ret->type, SLICE_LIT("reason")) && field_peek(&r->c) == '=') {
        return separator(r, '=') && value(r, &m->reason);
    }
    return separator(r, '.') && keyword(&r->c, &ret->name) && separator(r, '=') &&
           value(r, &ret->value);
}

/* What follows a result, up to the ";". False where it cannot be read. */
static bool details(struct reading *r, struct auth_method *m)
{
    const struct auth_property **last = &m->properties;
    size_t count = 0;

    for (;;) {
        if (!field_skip_cfws(&r->c)) {
            return false;
        }
        if (field_peek(&r->c) == -1 || field_peek(&r->c) == ';') {
            return true;
        }
        struct auth_property found = {.name = {NULL, 0}};
        if (!reason_or_property(r, m, &found)) {
            return false;
        }
        if (found.name.n == 0) {
            continue;
        }
        if (++count > AUTH_PROPERTIES_MOST) {
            r->results->cut = true;
            continue;
        }
        struct auth_property *kept = arena_alloc(r->arena, sizeof(*kept));
        *kept = found;
        *last = kept;
        last = &kept->next;
    }
}

/* Goes on to the next ";" that is neither in a comment nor in quotes, or to the end. */
static void skip_resinfo(struct field_cursor *c)
{
    while (field_skip_cfws(c) && field_peek(c) != -1 && field_peek(c) != ';') {
        if (field_peek(c) != '"') {
            c->at++;
        } else if (!field_skip_quoted(c)) {
            c->at = c->end;
        }
    }
}

/* "none" with nothing behind it */
static bool no_result(struct reading *r)
{
    struct field_cursor look = r->c;
    struct slice word;

    if (!keyword(&look, &word) || !slice_eq_nocase(word, SLICE_LIT("none")) ||
        !field_skip_cfws(&look) || (field_peek(&look) != -1 && field_peek(&look) != ';')) {
        return false;
    }
    r->c = look;
    return true;
}

/* The results, from the first ";" on. */
static void all_results(struct reading *r)
{
    const struct auth_method **last = &r->results->methods;
    size_t count = 0;

    while (field_skip_cfws(&r->c) && field_skip(&r->c, ';')) {
        struct auth_method found = {.version = SLICE_LIT(""), .reason = SLICE_LIT("")};
        if (!field_skip_cfws(&r->c)) {
            break;
        }
        if (field_peek(&r->c) == ';' || field_peek(&r->c) == -1) {
            continue; /* empty, as behind a last ";" */
        }
        if (no_result(r)) {
            r->results->none = true;
            continue;
        }
        if (!method_spec(r, &found) || !details(r, &found)) {
            r->results->malformed = true;
            skip_resinfo(&r->c);
            continue;
        }
        if (++count > AUTH_RESULTS_MOST) {
            r->results->cut = true;
            r->c.at = r->c.end;
            break;
        }
        struct auth_method *kept = arena_alloc(r->arena, sizeof(*kept));
        *kept = found;
        *last = kept;
        last = &kept->next;
    }
    r->results->malformed |= r->c.at < r->c.end;
    r->results->none &= r->results->methods == NULL;
}

/* authserv-id, with the blanks and comments around it */
static bool server_id(struct reading *r, struct slice *ret)
{
    return field_skip_cfws(&r->c) && value(r, ret) && ret->n > 0 && field_skip_cfws(&r->c);
}

int auth_results_parse(struct slice payload, struct arena *arena, struct auth_results *ret)
{
    struct auth_results results = {.version = SLICE_LIT("")};
    struct reading r = {field_cursor_of(payload), arena, &results};

    if (!server_id(&r, &results.id)) {
        return -EBADMSG;
    }
    if (keyword(&r.c, &results.version) && !slice_eq(results.version, SLICE_LIT("1"))) {
        return -EBADMSG;
    }
    all_results(&r);
    *ret = results;
    return 0;
}

struct slice auth_method_property(const struct auth_method *m, struct slice type, struct slice name)
{
    for (const struct auth_property *p = m->properties; p != NULL; p = p->next) {
        if (slice_eq_nocase(p->type, type) && slice_eq_nocase(p->name, name)) {
            return p->value;
        }
    }
    return SLICE_LIT("");
}

/* ---- forged fields ---- */

static bool is_same_host(struct slice a, struct slice b)
{
    struct dns_name x, y;

    if (slice_eq_nocase(a, b)) {
        return true;
    }
    return dns_name_parse_idn(a, &x) == 0 && dns_name_parse_idn(b, &y) == 0 && dns_name_eq(&x, &y);
}

/* As much of it as is a token: what a reader takes who stops where the grammar does. */
static struct slice token_of(struct slice s)
{
    size_t n = 0;

    while (n < s.n && memchr("<>@,:/[]?=", s.p[n], 10) == NULL) {
        n++;
    }
    return (struct slice){s.p, n};
}

static bool occurs_in(struct slice text, struct slice word)
{
    for (size_t i = 0; i + word.n <= text.n; i++) {
        if (slice_eq_nocase((struct slice){text.p + i, word.n}, word)) {
            return true;
        }
    }
    return false;
}

bool auth_results_claim(struct slice body, struct slice id, struct arena *scratch)
{
    struct auth_results results;
    struct reading r = {field_cursor_of(body), scratch, &results};
    struct slice found;

    if (!server_id(&r, &found)) {
        return occurs_in(body, id);
    }
    return is_same_host(found, id) || is_same_host(token_of(found), id);
}
