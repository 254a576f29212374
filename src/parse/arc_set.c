/* See parse/arc_set.h. */
#include "parse/arc_set.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "parse/ascii.h"
#include "parse/dkim_signature.h"
#include "parse/field_cursor.h"
#include "parse/header_fields.h"
#include "parse/tag_list.h"

static int wrong(struct arc_chain *chain, unsigned instance, const char *problem)
{
    chain->problem = problem;
    chain->instance = instance;
    return -EBADMSG;
}

/* ---- the three fields ---- */

/* arc-info = instance [CFWS] ";" authres-payload (4.1.1)
 * instance = [CFWS] %s"i" [CFWS] "=" [CFWS] 1*2DIGIT (3.9) */
static const char *parse_results(struct slice body, struct arc_fields *ret, uint64_t *ret_instance)
{
    static const char problem[] = "authentication results have no instance in front";
    struct field_cursor c = field_cursor_of(body);
    const char *from;

    if (!field_skip_cfws(&c) || !field_skip(&c, 'i') || !field_skip_cfws(&c) ||
        !field_skip(&c, '=') || !field_skip_cfws(&c)) {
        return problem;
    }
    from = c.at;
    while (ascii_is_digit(field_peek(&c))) {
        c.at++;
    }
    if (!tag_number(field_since(&c, from), 2, ret_instance) || !field_skip_cfws(&c) ||
        !field_skip(&c, ';')) {
        return problem;
    }
    ret->results = (struct slice){c.at, (size_t)(c.end - c.at)};
    return NULL;
}

/* Either signature: 4.1.2, 4.1.3. Why it cannot be read, or NULL. */
static const char *parse_signature(enum arc_part part, struct slice body, struct arc_fields *ret,
                                   uint64_t *ret_instance)
{
    struct dkim_signature s;
    int rc =
        dkim_signature_parse(body, part == ARC_PART_SEAL ? ARC_SEAL : ARC_MESSAGE_SIGNATURE, &s);

    ret->chain = s.chain;
    *ret_instance = s.instance;
    return rc < 0 && (part == ARC_PART_SEAL || s.instance == 0) ? s.problem : NULL;
}

/* ---- the chain ---- */

static enum arc_part part_of(struct slice name)
{
    static const char *const names[] = {
        [ARC_PART_RESULTS] = "ARC-Authentication-Results",
        [ARC_PART_SIGNATURE] = "ARC-Message-Signature",
        [ARC_PART_SEAL] = "ARC-Seal",
    };
    size_t i = 0;

    while (i < ARC_PART_COUNT && !slice_eq_nocase(name, slice_of(names[i]))) {
        i++;
    }
    return (enum arc_part)i;
}

static int take(struct arc_chain *chain, enum arc_part part, const struct header_field *field)
{
    struct arc_fields read = {0};
    uint64_t instance = 0;
    const char *problem = part == ARC_PART_RESULTS
                              ? parse_results(field->body, &read, &instance)
                              : parse_signature(part, field->body, &read, &instance);
    struct arc_fields *set;

    if (problem != NULL || instance < 1 || instance > ARC_SETS_MOST) {
        return wrong(chain, 0, problem != NULL ? problem : "an instance is not 1 to 50");
    }
    set = &chain->sets[instance - 1];
    if (set->field[part].p != NULL) {
        return wrong(chain, (unsigned)instance, "a field occurs twice");
    }
    set->field[part] =
        (struct slice){field->name.p, (size_t)(field->body.p + field->body.n - field->name.p)};
    set->body[part] = field->body;
    if (part == ARC_PART_RESULTS) {
        set->results = read.results;
    } else if (part == ARC_PART_SEAL) {
        set->chain = read.chain;
    }
    if (chain->count < instance) {
        chain->count = (unsigned)instance;
    }
    return 0;
}

/* Whole sets without a gap, and each seal's cv= as 5.2 step 3 has it. */
static int check(struct arc_chain *chain)
{
    for (unsigned i = chain->count; i >= 1; i--) {
        const struct arc_fields *set = &chain->sets[i - 1];
        for (size_t part = 0; part < ARC_PART_COUNT; part++) {
            if (set->field[part].p == NULL) {
                return wrong(chain, i, "a field is missing");
            }
        }
        if (slice_eq_nocase(set->chain, SLICE_LIT("fail"))) {
            return wrong(chain, i, "its sealer found the chain broken");
        }
        if (!slice_eq_nocase(set->chain, i == 1 ? SLICE_LIT("none") : SLICE_LIT("pass"))) {
            return wrong(chain, i, "cv= is not what its place asks for");
        }
    }
    return 0;
}

int arc_chain_parse(struct slice header, struct arc_chain *ret)
{
    struct header_field field;

    memset(ret, 0, sizeof(*ret));
    while (header_next(&header, &field)) {
        enum arc_part part = part_of(field.name);
        if (part < ARC_PART_COUNT) {
            int rc = take(ret, part, &field);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return ret->count > 0 ? check(ret) : -ENOENT;
}
