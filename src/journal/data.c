/* See journal/data.h. */
#include "journal/data.h"

#include <stdarg.h>

#include "base/emit.h"
#include "base/fatal.h"

void data_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(object, key, value) != 0) {
        fatal("out of memory for a story");
    }
}

json_t *data_text(struct slice text)
{
    json_t *value = json_stringn(text.n > 0 ? text.p : "", text.n);
    struct buf written = {0};

    if (value == NULL) {
        struct emit e = {&written, false};
        emit_text(&e, NULL, text);
        value = json_loadb(written.p, written.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        buf_free(&written);
    }
    return value;
}

void data_put_text(json_t *object, const char *key, struct slice text)
{
    data_put(object, key, data_text(text));
}

void data_put_format(json_t *object, const char *key, const char *format, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    data_put_text(object, key, buf_slice(&text));
    buf_free(&text);
}

void data_put_some(json_t *object, const char *key, struct slice text)
{
    if (text.n > 0) {
        data_put_text(object, key, text);
    }
}

json_t *data_load(struct slice text)
{
    json_t *object = text.n > 0 ? json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL) : NULL;

    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}
