/* See parse/from_field.h. Along the grammar, one function for each production:
 *
 *   from         = "From:" (mailbox-list / address-list) CRLF
 *   address-list = *([CFWS] ",") address *("," [address / CFWS])       (obs-addr-list)
 *   address      = mailbox / group
 *   group        = display-name ":" [group-list] ";" [CFWS]
 *   mailbox      = name-addr / addr-spec
 *   name-addr    = [display-name] [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
 *   addr-spec    = local-part "@" domain
 *
 * Where it is more lenient than the RFC: a name may hold dots, commas, "@" and brackets without
 * quotes, and a domain may end in a dot. */
#include "parse/from_field.h"

#include "parse/field_cursor.h"
#include "parse/header_fields.h"

struct reading {
    struct field_cursor c;
    struct arena *arena;
    struct from_field *from;
};

static void add(struct from_field *from, struct slice mailbox, struct slice domain)
{
    if (from->count == FROM_ADDRESSES_MOST) {
        from->cut = true;
        return;
    }
    from->addresses[from->count++] = (struct from_address){mailbox, domain};
}

/* ---- addr-spec ---- */

/* local-part = word *("." word), with CFWS around each word (obs-local-part) */
static bool skip_local_part(struct field_cursor *c)
{
    do {
        if (!field_skip_cfws(c) || !(field_peek(c) == '"' ? field_skip_quoted(c) : field_atom(c)) ||
            !field_skip_cfws(c)) {
            return false;
        }
    } while (field_skip(c, '.'));
    return true;
}

/* domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" */
static bool skip_literal(struct field_cursor *c)
{
    if (!field_skip(c, '[')) {
        return false;
    }
    while (field_peek(c) >= ' ' && field_peek(c) <= '~' && !strchr("[]\\", field_peek(c))) {
        c->at++;
    }
    return field_skip(c, ']');
}

/* domain = dot-atom / domain-literal / obs-domain, where obs-domain = atom *("." atom) */
static bool skip_domain(struct field_cursor *c)
{
    if (!field_skip_cfws(c)) {
        return false;
    }
    if (field_peek(c) == '[') {
        return skip_literal(c) && field_skip_cfws(c);
    }
    if (!field_atom(c) || !field_skip_cfws(c)) {
        return false;
    }
    while (field_skip(c, '.')) {
        if (!field_skip_cfws(c)) {
            return false;
        }
        if (!field_atom(c)) {
            return true; /* the dot at the end */
        }
        if (!field_skip_cfws(c)) {
            return false;
        }
    }
    return true;
}

/* Copies what stands between `from` and the cursor, without CFWS outside of quotes and brackets,
 * and without line ends. */
static char *copy_bare(const struct field_cursor *c, const char *from, char *out)
{
    struct field_cursor part = {from, c->at};

    while (field_skip_cfws(&part) && part.at < part.end) {
        const char *start = part.at;
        if (!field_skip_quoted(&part) && !skip_literal(&part)) {
            part.at++;
        }
        for (; start < part.at; start++) {
            if (*start != '\r' && *start != '\n') {
                *out++ = *start;
            }
        }
    }
    return out;
}

/* Takes one addr-spec; the cursor stays where there is none. */
static bool addr_spec(struct reading *r, struct from_address *ret)
{
    struct field_cursor c = r->c;

    if (!skip_local_part(&c) || !field_skip(&c, '@')) {
        return false;
    }
    const char *domain = c.at;
    if (!skip_domain(&c)) {
        return false;
    }
    struct field_cursor local = {r->c.at, domain - 1};
    local.at = local.end;
    char *out = arena_alloc(r->arena, (size_t)(c.at - r->c.at));
    char *end = copy_bare(&local, r->c.at, out);
    *end++ = '@';
    char *behind = copy_bare(&c, domain, end);
    if (behind - end > 1 && behind[-1] == '.') {
        behind--;
    }
    *ret = (struct from_address){{out, (size_t)(behind - out)}, {end, (size_t)(behind - end)}};
    r->c = c;
    return true;
}

/* ---- name-addr ---- */

/* [obs-route], obs-route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":" */
static bool skip_route(struct field_cursor *c)
{
    struct field_cursor look = *c;
    bool any = false;

    for (;;) {
        if (!field_skip_cfws(&look)) {
            return false;
        }
        if (field_skip(&look, '@')) {
            any = true;
            if (!skip_domain(&look)) {
                return false;
            }
        } else if (!field_skip(&look, ',')) {
            break;
        }
    }
    if (any && !field_skip(&look, ':')) {
        return false;
    }
    if (any) {
        *c = look;
    }
    return true;
}

/* angle-addr = [CFWS] "<" [obs-route] addr-spec ">" [CFWS] */
static bool angle_addr(struct reading *r)
{
    struct from_address address;

    if (!field_skip(&r->c, '<') || !skip_route(&r->c) || !addr_spec(r, &address) ||
        !field_skip(&r->c, '>') || !field_skip_cfws(&r->c)) {
        return false;
    }
    add(r->from, address.mailbox, address.domain);
    return true;
}

/* encoded-word (RFC 2047 2): what is inside of it is no syntax, whatever the characters. */
static bool skip_encoded_word(struct field_cursor *c)
{
    struct field_cursor look = *c;
    int marks = 0;

    if (!field_skip(&look, '=') || field_peek(&look) != '?') {
        return false;
    }
    for (; field_peek(&look) > ' ' && field_peek(&look) != '<'; look.at++) {
        marks += *look.at == '?';
        if (marks == 4) {
            look.at++;
            if (!field_skip(&look, '=')) {
                return false;
            }
            *c = look;
            return true;
        }
    }
    return false;
}

static bool is_dot_atom(int c)
{
    return field_is_atext(c) || c == '.';
}

static void skip_dot_atom(struct field_cursor *c)
{
    while (is_dot_atom(field_peek(c))) {
        c->at++;
    }
}

/* A dot-atom, with a domain behind it when there is an "@": then it is an address, too. Dots at the
 * end are none of it, as in addr_spec. False where there is neither. */
static bool address_like(struct field_cursor *c, struct from_field *from)
{
    const char *start = c->at;

    skip_dot_atom(c);
    const char *sign = c->at;
    if (field_skip(c, '@')) {
        skip_dot_atom(c);
        struct slice domain = field_since(c, sign + 1);
        while (domain.n > 1 && domain.p[domain.n - 1] == '.') {
            domain.n--;
        }
        if (domain.n > 0) {
            add(from, (struct slice){start, (size_t)(domain.p + domain.n - start)}, domain);
        }
    }
    return c->at > start;
}

/* display-name, up to the octet that cannot be in it. What reads "somebody@somewhere" outside of
 * quotes is an author, too: who shows the field may show that one. */
static bool display_name(struct reading *r)
{
    for (;;) {
        if (!field_skip_cfws(&r->c)) {
            return false;
        }
        int next = field_peek(&r->c);
        if (next == '"') {
            if (!field_skip_quoted(&r->c)) {
                return false;
            }
        } else if (next == '[' || next == ']' || next == '\\') {
            r->c.at++;
        } else if (!skip_encoded_word(&r->c) && !address_like(&r->c, r->from)) {
            return true;
        }
    }
}

/* ---- address-list ---- */

/* address; at a group's name the cursor is behind its ":", and *group is set. */
static bool address(struct reading *r, bool *group)
{
    struct field_cursor start = r->c;
    struct from_address plain;
    size_t before = r->from->count;

    if (addr_spec(r, &plain)) {
        int next = field_peek(&r->c);
        if (next == -1 || next == ',' || (next == ';' && *group)) {
            add(r->from, plain.mailbox, plain.domain);
            return true;
        }
        r->c = start;
    }
    if (!display_name(r)) {
        return false;
    }
    bool named = r->c.at > start.at;
    bool like_one = r->from->count > before || r->from->cut;
    if (named && !*group && field_skip(&r->c, ':')) {
        *group = true;
        return true;
    }
    if (named && !like_one && field_peek(&r->c) == ',') {
        return true; /* "Doe, John <john@example.org>" */
    }
    return angle_addr(r);
}

static bool address_list(struct reading *r)
{
    bool group = false;

    for (;;) {
        if (!field_skip_cfws(&r->c)) {
            return false;
        }
        if (group && field_skip(&r->c, ';')) {
            group = false;
        } else if (field_skip(&r->c, ',')) {
            continue;
        } else {
            if (field_peek(&r->c) == -1) {
                return !group;
            }
            bool inside = group;
            if (!address(r, &group)) {
                return false;
            }
            if (group != inside) {
                continue; /* a group has begun: its first address follows */
            }
        }
        int next = field_skip_cfws(&r->c) ? field_peek(&r->c) : '(';
        if (next != -1 && next != ',' && !(next == ';' && group)) {
            return false;
        }
    }
}

/* What looks like addresses in a field that cannot be read. */
static void salvage(struct from_field *from, struct slice body)
{
    struct field_cursor c = field_cursor_of(body);

    while (c.at < c.end) {
        if (!address_like(&c, from)) {
            c.at++;
        }
    }
}

static void read_field(struct slice body, struct arena *arena, struct from_field *from)
{
    struct reading r = {field_cursor_of(body), arena, from};
    size_t before = from->count;

    bool good = address_list(&r);
    if (good && (from->count > before || from->cut)) {
        return;
    }
    from->count = before;
    salvage(from, body);
    from->problem = good ? "the From field names nobody" : "the From field cannot be read";
}

void from_field_parse(struct slice header, struct arena *arena, struct from_field *ret)
{
    struct header_field field;

    *ret = (struct from_field){.fields = 0};
    while (header_next(&header, &field)) {
        if (slice_eq_nocase(field.name, SLICE_LIT("From"))) {
            ret->fields++;
            read_field(field.body, arena, ret);
        }
    }
    if (ret->fields == 0) {
        ret->problem = "there is no From field";
    } else if (ret->fields > 1) {
        ret->problem = "there are several From fields";
    }
}
