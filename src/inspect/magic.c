/* See inspect/magic.h. */
#include "inspect/magic.h"

#include <errno.h>
#include <magic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

/* Octets that libmagic gets to see. What is told from further behind (a CD's label, a tar's at 257)
 * is found by the archive library. */
#define SEEN ((size_t)4096)

struct inspect_magic {
    magic_t cookie;
};

static void bound(magic_t cookie)
{
    static const struct {
        int parameter;
        size_t value;
    } bounds[] = {
        {MAGIC_PARAM_INDIR_MAX, 10},     {MAGIC_PARAM_NAME_MAX, 50},
        {MAGIC_PARAM_ELF_PHNUM_MAX, 64}, {MAGIC_PARAM_ELF_SHNUM_MAX, 256},
        {MAGIC_PARAM_ELF_NOTES_MAX, 16}, {MAGIC_PARAM_REGEX_MAX, 1024},
        {MAGIC_PARAM_BYTES_MAX, SEEN},
    };

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        magic_setparam(cookie, bounds[i].parameter, &bounds[i].value);
    }
}

int inspect_magic_new(struct inspect_magic **ret, char *ret_why, size_t why_size)
{
    struct inspect_magic *m = xcalloc(1, sizeof(*m));
    char all[4096];

    /* Looking into archives, compound files and texts is ours. */
    m->cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR |
                           MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_APPTYPE | MAGIC_NO_CHECK_TOKENS |
                           MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_ENCODING | MAGIC_NO_CHECK_TEXT |
                           MAGIC_NO_CHECK_JSON | MAGIC_NO_CHECK_CDF);
    if (!m->cookie || magic_load(m->cookie, NULL) < 0) {
        const char *why = m->cookie ? magic_error(m->cookie) : "no memory";
        snprintf(ret_why, why_size, "libmagic: %s", why ? why : "its database cannot be read");
        inspect_magic_free(m);
        return -ENOENT;
    }
    bound(m->cookie);
    /* It compiles its patterns when they are first used. */
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (char)(i * 37 + i / 256 + 1);
    }
    (void)inspect_magic_type(m, (struct slice){all, sizeof(all)});
    *ret = m;
    return 0;
}

struct inspect_magic *inspect_magic_free(struct inspect_magic *m)
{
    if (m && m->cookie) {
        magic_close(m->cookie);
    }
    free(m);
    return NULL;
}

struct slice inspect_magic_type(struct inspect_magic *m, struct slice octets)
{
    const char *type = magic_buffer(m->cookie, octets.p, octets.n < SEEN ? octets.n : SEEN);

    return type && *type ? slice_of(type) : SLICE_LIT("application/octet-stream");
}
