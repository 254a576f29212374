/* Files in a text that names no attachment, which a lenient reader shows all the same. */
#pragma once

#include "inspect/inspect_impl.h"

enum hidden_place { HIDDEN_IN_TEXT, HIDDEN_IN_PREAMBLE, HIDDEN_IN_EPILOGUE };

/* Looks for uuencoded and yEnc files, and lines of base64 that make a file; outside of parts also
 * for fields of a part's header. What it finds is entered, and looked at as a file. */
void hidden_files(struct inspect_run *run, struct slice text, enum hidden_place place);

/* Does the text begin with base64 that decodes to something file_is_known knows? */
bool base64_makes_file(struct slice text);
