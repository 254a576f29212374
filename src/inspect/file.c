/* See inspect/file.h. */
#include "inspect/file.h"

#include "inspect/magic.h"
#include "inspect/name.h"

void file_names_add(struct inspect_run *run, struct file_names *names, struct slice name)
{
    (void)run;
    for (size_t i = 0; i < names->count; i++) {
        if (slice_eq(names->names[i], name)) {
            return;
        }
    }
    if (name.n > 0 && names->count < FILE_NAMES_MOST) {
        names->names[names->count++] = name;
    }
}

/* ---- by its first octets ---- */

static const struct {
    const char *octets;
    size_t n;
} signatures[] = {
#define BEGINS(text)                                                                               \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    BEGINS("PK\x03\x04"),
    BEGINS("PK\x05\x06"),
    BEGINS("MZ"),
    BEGINS("%PDF-"),
    BEGINS("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), /* OLE */
    BEGINS("Rar!\x1a\x07"),
    BEGINS("7z\xbc\xaf\x27\x1c"),
    BEGINS("\x1f\x8b\x08"), /* gzip */
    BEGINS("\x7f"
           "ELF"),
    BEGINS("MSCF"),                  /* Cabinet */
    BEGINS("L\0\0\0\x01\x14\x02\0"), /* shell link */
    BEGINS("{\\rt"),
    BEGINS("BZh"),
    BEGINS("\xfd"
           "7zXZ"),
    BEGINS("ITSF"),             /* compiled HTML help */
    BEGINS("\xca\xfe\xba\xbe"), /* Mach-O, Java */
    BEGINS("\xcf\xfa\xed\xfe"),
    BEGINS("\xce\xfa\xed\xfe"),
#undef BEGINS
};

bool file_is_known(struct slice octets)
{
    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        if (octets.n > signatures[i].n &&
            memcmp(octets.p, signatures[i].octets, signatures[i].n) == 0) {
            return true;
        }
    }
    return false;
}

void inspect_file(struct inspect_run *run, const struct file *f)
{
    for (size_t i = 0; i < f->names->count; i++) {
        file_name(run, f->names->names[i]);
    }
    inspect_add(run, FINDING_OF_ATTACHMENT_TYPE,
                inspect_magic_type(run->inspect->magic, f->octets));
}
