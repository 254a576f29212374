/* The rows of tbl/settings.h for those who need them by name. */
#pragma once

#include "conf/conf.h"
#include "conf/value.h"

struct setting {
    const char *name;
    enum value_kind kind;
    int64_t standard;
    int64_t min;
    int64_t max;
    const char *prose;
    size_t offset; /* in struct conf_limits */
};

enum {
#define SETTING(name, kind, standard, min, max, prose) SETTING_INDEX_##name,
#include "tbl/settings.h"
#undef SETTING
    SETTING_COUNT
};

extern const struct setting settings[SETTING_COUNT];

/* All of them, where nothing is configured. */
extern const struct conf_limits settings_standard;

/* NULL when there is no such row. */
const struct setting *setting_find(struct slice name);

/* Where the value of a row is kept. */
int64_t *setting_value(const struct setting *s, struct conf_limits *limits);
