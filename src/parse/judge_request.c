/* See parse/judge_request.h. */
#include "parse/judge_request.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

struct reading {
    json_t *object;
    struct arena *arena;
    char *why;
    size_t why_size;
};

struct slice judge_mailbox(struct slice text)
{
    bool bracketed = text.n >= 2 && text.p[0] == '<' && text.p[text.n - 1] == '>';
    return bracketed ? (struct slice){text.p + 1, text.n - 2} : text;
}

static int refuse(const struct reading *r, const char *member, const char *what)
{
    (void)snprintf(r->why, r->why_size, "\"%s\" %s", member, what);
    return -EINVAL;
}

static struct slice copy(const struct reading *r, const json_t *string)
{
    struct slice text = {json_string_value(string), json_string_length(string)};

    return arena_copy(r->arena, text);
}

/* NULL where it is left out. */
static const json_t *member_of(const struct reading *r, const char *member)
{
    const json_t *value = json_object_get(r->object, member);

    return json_is_null(value) ? NULL : value;
}

/* A string; *ret is untouched where it is left out. */
static int take_text(const struct reading *r, const char *member, struct slice *ret)
{
    const json_t *value = member_of(r, member);

    if (value == NULL) {
        return 0;
    }
    if (!json_is_string(value)) {
        return refuse(r, member, "is not a string");
    }
    *ret = copy(r, value);
    return 0;
}

static int take_ip(const struct reading *r, struct addr *ret)
{
    struct slice text = {0};
    int error = take_text(r, "ip", &text);

    if (error == 0 && text.p != NULL && addr_parse(text, ret) < 0) {
        error = refuse(r, "ip", "is not an address such as 192.0.2.7 or 2001:db8::7");
    }
    return error;
}

static int take_at(const struct reading *r, struct judge_request *ret)
{
    struct slice text = {0};
    int error = take_text(r, "at", &text);

    if (error < 0 || text.p == NULL) {
        return error;
    }
    if (time_parse_rfc3339(text, &ret->at_wall) < 0) {
        return refuse(r, "at", "is not a time such as 2026-11-26T09:30:00Z");
    }
    ret->has_at = true;
    return 0;
}

static int take_recipients(const struct reading *r, struct judge_request *ret)
{
    const json_t *value = member_of(r, "rcpt");
    size_t count = json_is_array(value) ? json_array_size(value) : 1;

    if (value == NULL) {
        return 0;
    }
    if (count == 0) {
        return refuse(r, "rcpt", "is empty");
    }
    struct slice *list = arena_alloc(r->arena, count * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(one)) {
            return refuse(r, "rcpt", "is neither a string nor an array of strings");
        }
        list[i] = judge_mailbox(copy(r, one));
    }
    ret->recipients = list;
    ret->recipient_count = count;
    return 0;
}

static int take_label(const struct reading *r, struct slice *ret)
{
    struct slice label = {0};
    int error = take_text(r, "label", &label);

    if (error == 0 && label.n > JUDGE_LABEL_MOST) {
        return refuse(r, "label", "has more than 60 octets");
    }
    *ret = label.p != NULL ? label : SLICE_LIT("");
    return error;
}

static int take_members(const struct reading *r, struct judge_request *ret)
{
    int file = take_text(r, "file", &ret->file);
    int error = take_label(r, &ret->label);

    if (error == 0 && file == 0 && ret->file.n == 0) {
        file = refuse(r, "file", "is missing");
    }
    error = error < 0 ? error : file;
    error = error < 0 ? error : take_ip(r, &ret->ip);
    error = error < 0 ? error : take_text(r, "helo", &ret->helo);
    error = error < 0 ? error : take_text(r, "mail_from", &ret->sender);
    error = error < 0 ? error : take_recipients(r, ret);
    error = error < 0 ? error : take_at(r, ret);
    ret->sender = judge_mailbox(ret->sender);
    return error;
}

/* What jansson did not like about the line. */
static void tell_error(const struct reading *r, const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        (void)snprintf(r->why, r->why_size, "a member is there twice: at octet %d",
                       error->position);
        break;
    case json_error_numeric_overflow:
        (void)snprintf(r->why, r->why_size, "a number is too large: at octet %d", error->position);
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        (void)snprintf(r->why, r->why_size, "a text has a NUL: at octet %d", error->position);
        break;
    case json_error_invalid_utf8:
        (void)snprintf(r->why, r->why_size, "not JSON, which is UTF-8: wrong at octet %d",
                       error->position);
        break;
    default:
        (void)snprintf(r->why, r->why_size, "not JSON: wrong at octet %d", error->position);
        break;
    }
}

int judge_request_parse(struct slice line, struct arena *arena, struct judge_request *ret,
                        char *ret_why, size_t why_size)
{
    struct reading r = {.arena = arena, .why = ret_why, .why_size = why_size};
    json_error_t error;
    int result = -EINVAL;

    *ret = (struct judge_request){.file = SLICE_LIT(""), .label = SLICE_LIT("")};
    /* No member of ours is a number; of others' even a huge one is let pass. */
    r.object = json_loadb(line.n > 0 ? line.p : "", line.n,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (r.object == NULL) {
        tell_error(&r, &error);
    } else if (!json_is_object(r.object)) {
        (void)snprintf(ret_why, why_size, "not an object of JSON");
    } else {
        result = take_members(&r, ret);
    }
    json_decref(r.object);
    return result;
}
