/* The two lists of a ZIP file: its central directory, and the headers in front of its members
 * (APPNOTE.TXT 4.3). Readers differ on which they go by. */
#pragma once

#include "inspect/inspect_impl.h"

struct zip_facts {
    bool overlap;   /* members share octets, or one is in one list alone */
    bool encrypted; /* a member's flag says so */
    bool document;  /* Office Open XML or OpenDocument: its members are no files to people */
    const char *type;
};

/* Reads both, of up to run->request->limits.members members. Names that stand only in front of a
 * member are entered. */
void zip_list_read(struct inspect_run *run, struct slice zip, struct zip_facts *ret);
