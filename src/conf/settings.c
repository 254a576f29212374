/* See settings.h. */
#include "conf/settings.h"

const struct setting settings[SETTING_COUNT] = {
#define SETTING(name, kind, standard, min, max, prose)                                             \
    {#name, VALUE_##kind, standard, min, max, prose, offsetof(struct conf_limits, name)},
#include "tbl/settings.h"
#undef SETTING
};

const struct conf_limits settings_standard = {
#define SETTING(name, kind, standard, min, max, prose) .name = (standard),
#include "tbl/settings.h"
#undef SETTING
};

const struct setting *setting_find(struct slice name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (slice_eq(name, slice_of(settings[i].name))) {
            return &settings[i];
        }
    }
    return NULL;
}

int64_t *setting_value(const struct setting *s, struct conf_limits *limits)
{
    return (int64_t *)(void *)((char *)limits + s->offset);
}
