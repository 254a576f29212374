/* See journal/fact_json.h. */
#include "journal/fact_json.h"

#include <string.h>

#include "base/decimal.h"

static bool unknown_of(const json_t *reason, enum value_type type, struct value *ret)
{
    const char *name = json_string_value(reason);

    for (int i = 0; name != NULL && i < UNKNOWN_REASON_COUNT; i++) {
        if (strcmp(name, unknown_reason_name((enum unknown_reason)i)) == 0) {
            *ret = value_unknown(type, (enum unknown_reason)i);
            return true;
        }
    }
    return false;
}

static struct slice text_of(const json_t *text)
{
    return (struct slice){json_string_value(text), json_string_length(text)};
}

static bool set_of(const json_t *array, struct arena *arena, struct value *ret)
{
    const size_t count = json_array_size(array);
    struct slice *items = arena_alloc(arena, count * sizeof(*items));

    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_string(item)) {
            return false;
        }
        items[i] = text_of(item);
    }
    *ret = (struct value){
        .type = TYPE_SET, .state = VALUE_KNOWN, .set = {.items = items, .count = count}};
    return json_is_array(array);
}

static bool result_of(const struct fact *fact, const json_t *word, struct value *ret)
{
    const char *text = json_string_value(word);

    for (int64_t i = 0; text != NULL && fact->words[i] != NULL; i++) {
        if (strcmp(text, fact->words[i]) == 0) {
            *ret = value_number(TYPE_RESULT, i);
            return true;
        }
    }
    return false;
}

/* The value of a known fact; false for one of another type than the fact's. */
static bool known_of(const struct fact *fact, const json_t *v, struct arena *arena,
                     struct value *ret)
{
    struct addr address;

    switch (fact->type) {
    case TYPE_BOOL: *ret = value_bool(json_is_true(v)); return json_is_boolean(v);
    case TYPE_NUMBER:
    case TYPE_SIZE:
    case TYPE_DURATION:
        *ret = value_number(fact->type, json_integer_value(v));
        return json_is_integer(v);
    case TYPE_DECIMAL:
        *ret = value_number(TYPE_DECIMAL, decimal_of_real(json_number_value(v)));
        return json_is_number(v);
    case TYPE_TEXT: *ret = value_text(text_of(v)); return json_is_string(v);
    case TYPE_ADDRESS:
        if (!json_is_string(v) || addr_parse(text_of(v), &address) < 0) {
            return false;
        }
        *ret = value_address(&address);
        return true;
    case TYPE_SET: return set_of(v, arena, ret);
    case TYPE_RESULT: return result_of(fact, v, ret);
    case TYPE_COUNT: break;
    }
    return false;
}

bool fact_from_json(const struct fact *fact, const json_t *recorded, struct arena *arena,
                    struct value *ret, bool *ret_cut)
{
    const json_t *unknown = json_object_get(recorded, "unknown");
    const json_t *value = json_is_object(recorded) ? json_object_get(recorded, "value") : recorded;
    struct value v;

    if (unknown != NULL ? !unknown_of(unknown, fact->type, &v)
                        : value == NULL || !known_of(fact, value, arena, &v)) {
        return false;
    }
    const char *source = json_string_value(json_object_get(recorded, "source"));
    if (source != NULL && strcmp(source, value_source_name(SOURCE_MESSAGE)) == 0) {
        v = value_from(SOURCE_MESSAGE, v); /* of the others it makes no difference */
    }
    *ret = v;
    *ret_cut = json_object_get(recorded, "cut") != NULL;
    return true;
}
