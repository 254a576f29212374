/* The MIME type of a file by its content: what is frequent is told here at once, the rest by
 * libmagic, which takes half a millisecond. */
#pragma once

#include "inspect/inspect_impl.h"

/* Valid until the next call. "" for ZIP and compound files: those who open them know more. */
struct slice file_type(struct inspect_run *run, struct slice octets);
