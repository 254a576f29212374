/* Values as people read them. */
#include <inttypes.h>

#include "base/decimal.h"
#include "conf/value.h"
#include "fact/fact.h"

static struct slice of_set(const struct slice *items, size_t count, struct arena *arena)
{
    static const char between[] = {',', ' '};
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        n += items[i].n + (i > 0 ? sizeof(between) : 0);
    }
    char *text = arena_alloc(arena, n);
    char *end = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            end = mempcpy(end, between, sizeof(between));
        }
        if (items[i].n > 0) {
            end = mempcpy(end, items[i].p, items[i].n);
        }
    }
    return (struct slice){text, n};
}

static struct slice of_amount(enum value_kind kind, int64_t amount, struct arena *arena)
{
    char text[VALUE_TEXT_MAX];

    return arena_copy(arena, slice_of(value_format(kind, amount, text)));
}

static struct slice of_decimal(int64_t thousandths, struct arena *arena)
{
    char text[DECIMAL_TEXT_MAX];

    return arena_copy(arena, slice_of(decimal_format(thousandths, text)));
}

static struct slice of_address(const struct addr *a, struct arena *arena)
{
    char text[ADDR_TEXT_MAX];

    return arena_copy(arena, slice_of(addr_format(a, text)));
}

struct slice fact_text(const struct fact_use *use, const struct value *v, struct arena *arena)
{
    if (v->state != VALUE_KNOWN) {
        return SLICE_LIT("unknown");
    }
    switch ((enum value_type)v->type) {
    case TYPE_BOOL: return v->boolean ? SLICE_LIT("true") : SLICE_LIT("false");
    case TYPE_NUMBER: return arena_printf(arena, "%" PRId64, v->number);
    case TYPE_TEXT: return v->text;
    case TYPE_ADDRESS: return of_address(&v->address, arena);
    case TYPE_DURATION: return of_amount(VALUE_TIME, v->number, arena);
    case TYPE_SIZE: return of_amount(VALUE_SIZE, v->number, arena);
    case TYPE_DECIMAL: return of_decimal(v->number, arena);
    case TYPE_SET: return of_set(v->set.items, v->set.count, arena);
    case TYPE_RESULT: return slice_of(use->fact->words[v->number]);
    case TYPE_COUNT: break;
    }
    return SLICE_LIT("");
}

const char *fact_use_name(const struct fact_use *use, struct arena *arena)
{
    const unsigned count = use->fact->parameters;
    const char *name = use->fact->name;

    for (unsigned i = 0; i < count; i++) {
        name = arena_printf(arena, "%s%s" SLICE_FMT "%s", name, i == 0 ? "(" : ", ",
                            SLICE_ARG(use->parameters[i]), i + 1 == count ? ")" : "")
                   .p;
    }
    return name;
}

static bool is_part_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_' || c == '.';
}

bool fact_is_named(struct slice rule, struct slice name)
{
    const char *end = rule.p + rule.n;
    const char *at = rule.p;

    while (rule.n > 0 && (at = memmem(at, (size_t)(end - at), name.p, name.n)) != NULL) {
        const char *behind = at + name.n;
        if ((at == rule.p || !is_part_of_name(at[-1])) &&
            (behind == end || !is_part_of_name(*behind))) {
            return true;
        }
        at = behind;
    }
    return false;
}
