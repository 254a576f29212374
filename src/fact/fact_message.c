/* The message: what was noticed while it came in, and its header's fields. */
#include <errno.h>

#include "fact/fact.h"
#include "parse/from_field.h"
#include "parse/header_fields.h"

/* What there is of the header. */
struct view {
    struct slice text;
    bool cut; /* it goes on behind that */
};

/* 0; -ENODATA when there is no message or nobody to read it; -EIO, -ECANCELED. */
static int read_header(const struct evidence *e, struct view *ret)
{
    struct slice text;

    if (e->message == NULL || e->ops == NULL || e->ops->message_header == NULL) {
        return -ENODATA;
    }
    int r = e->ops->message_header(e, &text);
    if (r < 0 && r != -E2BIG) {
        return r;
    }
    *ret = (struct view){.text = text, .cut = r == -E2BIG};
    return 0;
}

/* What a fact is that needed the header when read_header said `error`. */
static int without_header(int error, enum value_type type, struct value *ret)
{
    if (error == -ECANCELED) {
        return error;
    }
    *ret = value_unknown(type, error == -ENODATA ? UNKNOWN_NOT_AVAILABLE : UNKNOWN_TEMPORARY);
    return 0;
}

/* Goes on, from *rest, to the next field of that name. */
static bool find_next(struct slice *rest, struct slice name, struct header_field *ret)
{
    while (header_next(rest, ret)) {
        if (ret->name.n > 0 && slice_eq_nocase(ret->name, name)) {
            return true;
        }
    }
    return false;
}

int fact_header(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct view header;
    struct header_field field;
    int r = read_header(e, &header);

    if (r < 0) {
        return without_header(r, TYPE_TEXT, ret);
    }
    bool found = find_next(&header.text, parameters[0], &field);
    /* Of a header that was cut the last field may be cut too. */
    if (header.cut && (!found || header.text.n == 0)) {
        *ret = value_unknown(TYPE_TEXT, UNKNOWN_OVER_BUDGET);
    } else if (found) {
        *ret = value_text(header_unfold(field.body, arena_alloc(e->arena, field.body.n)));
    } else {
        *ret = value_text(SLICE_LIT(""));
    }
    return 0;
}

int fact_header_count(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct view header;
    struct header_field field;
    int r = read_header(e, &header);

    if (r < 0) {
        return without_header(r, TYPE_NUMBER, ret);
    }
    if (header.cut) {
        *ret = value_unknown(TYPE_NUMBER, UNKNOWN_OVER_BUDGET);
        return 0;
    }
    int64_t count = 0;
    while (find_next(&header.text, parameters[0], &field)) {
        count++;
    }
    *ret = value_number(TYPE_NUMBER, count);
    return 0;
}

int fact_header_missing(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct view header;
    struct header_field field;
    int r = read_header(e, &header);

    if (r < 0) {
        return without_header(r, TYPE_BOOL, ret);
    }
    bool found = find_next(&header.text, parameters[0], &field);
    if (header.cut && !found) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_OVER_BUDGET);
    } else {
        *ret = value_bool(!found);
    }
    return 0;
}

/* The one domain of all authors; "" for none, or several. */
static struct slice domain_of_authors(const struct from_field *from)
{
    for (size_t i = 1; i < from->count; i++) {
        if (!slice_eq_nocase(from->addresses[i].domain, from->addresses[0].domain)) {
            return SLICE_LIT("");
        }
    }
    return from->count > 0 && !from->cut ? from->addresses[0].domain : SLICE_LIT("");
}

int fact_from_domain(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct view header;
    struct from_field from;
    int r = read_header(e, &header);

    (void)parameters;
    if (r < 0) {
        return without_header(r, TYPE_TEXT, ret);
    }
    if (header.cut) {
        *ret = value_unknown(TYPE_TEXT, UNKNOWN_OVER_BUDGET);
        return 0;
    }
    from_field_parse(header.text, e->arena, &from);
    *ret = value_text(domain_of_authors(&from));
    return 0;
}

int fact_size(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    if (e->message == NULL) {
        *ret = value_unknown(TYPE_SIZE, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_amount(TYPE_SIZE, e->message->spool.size);
    }
    return 0;
}

int fact_received_count(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    if (e->message == NULL) {
        *ret = value_unknown(TYPE_NUMBER, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_amount(TYPE_NUMBER, e->message->received_count);
    }
    return 0;
}

int fact_message_longest_line(const struct evidence *e, const struct slice *parameters,
                              struct value *ret)
{
    (void)parameters;
    if (e->message == NULL) {
        *ret = value_unknown(TYPE_NUMBER, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_amount(TYPE_NUMBER, e->message->longest_line);
    }
    return 0;
}

int fact_message_binary(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    if (e->message == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_bool(e->message->by_bdat && e->message->bare_cr_or_lf);
    }
    return 0;
}
