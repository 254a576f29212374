/* A file that came with the message: attached, hidden in a text, or a member of an archive. */
#pragma once

#include "inspect/anomaly.h"

#define FILE_NAMES_MOST 8

/* Its names in UTF-8; a part may give it several. */
struct file_names {
    struct slice names[FILE_NAMES_MOST];
    size_t count;
};

struct file {
    const struct file_names *names;
    struct slice octets;
    struct slice declared; /* a MIME type in lower case */
    bool cut;              /* there would be more octets */
    unsigned depth;        /* of archives around it */
    bool member;           /* of an archive: what it is declared as is nobody's word */
};

/* Adds a name, if it is not there; `name` lasts as long as the run. */
void file_names_add(struct inspect_run *run, struct file_names *names, struct slice name);

/* Enters what is known of the file: names, extension, type, and what it can do; what is packed in
 * it, too. */
void inspect_file(struct inspect_run *run, const struct file *f);

/* Does it begin as files of a kind do that could do harm: programs, archives, documents? */
bool file_is_known(struct slice octets);
