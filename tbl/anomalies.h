/* What may be odd about a message's form: ANOMALY(ident, name, prose), the members of the fact
 * mime.anomalies. Those of ANOMALY_READERS are read in different ways by mail readers that are in
 * use, so that one may show a file where another shows none: "ambiguous" is a member then, too. */

/* ---- all that follow with READERS ---- */
ANOMALY(AMBIGUOUS, "ambiguous", "Mail readers differ on what this message has in it.")

/* ---- header fields ---- */
ANOMALY_READERS(TYPE_REPEATED, "content-type-repeated",
                "A part has several Content-Type fields that differ.")
ANOMALY_READERS(ENCODING_REPEATED, "encoding-repeated",
                "A part has several Content-Transfer-Encoding fields that differ.")
ANOMALY_READERS(DISPOSITION_REPEATED, "disposition-repeated",
                "A part has several Content-Disposition fields that differ.")
ANOMALY(FIELD_REPEATED, "mime-field-repeated", "A part says the same twice in such a field.")
ANOMALY_READERS(TYPE_ILLEGAL, "content-type-illegal",
                "A Content-Type field names no type as RFC 2045 wants it.")
ANOMALY(TYPE_EMPTY, "content-type-empty", "A Content-Type field is empty.")
ANOMALY(VERSION_MISSING, "mime-version-missing",
        "The message has a Content-Type field and no MIME-Version.")
ANOMALY(HEADER_NUL, "header-nul", "A header has a NUL octet in it.")
ANOMALY(HEADER_8BIT, "header-8bit", "A header has octets in it that are neither ASCII nor UTF-8.")
ANOMALY(HEADER_SPACE_COLON, "header-space-before-colon",
        "A field of MIME has blanks between its name and the colon.")
ANOMALY(HEADER_NO_FIELD, "header-no-field", "A line of a header is no field.")
ANOMALY_READERS(HEADER_BROKEN, "header-broken",
                "In a part's header a line that is no field stands before fields of MIME.")
ANOMALY_READERS(HEADER_BLANK_LINE, "header-blank-line",
                "A header has a line of nothing but blanks, where some see its end.")
ANOMALY(HEADER_MISSING, "header-missing", "A part begins without an empty line, or with text.")
ANOMALY(HEADER_UNENDED, "header-unended", "A part is over before its header has ended.")

/* ---- parameters ---- */
ANOMALY_READERS(PARAMETER_REPEATED, "parameter-repeated",
                "A boundary, name, filename or charset is given twice, and they differ.")
ANOMALY_READERS(PARAMETER_UNCLOSED, "parameter-unclosed", "A quoted parameter does not end.")
ANOMALY(PARAMETER_JUNK, "parameter-junk", "Something stands where a parameter should be.")
ANOMALY_READERS(PARAMETER_BACKSLASH, "boundary-backslash", "A boundary has backslashes in it.")
ANOMALY(PARAMETER_COMMENT, "parameter-comment", "A comment stands among the parameters.")
ANOMALY(PARAMETER_ENCODED_WORD, "parameter-encoded-word",
        "A file's name is given as an encoded word, which RFC 2047 forbids in parameters.")
ANOMALY(PARAMETER_PIECES, "parameter-pieces-broken",
        "Pieces of a parameter (RFC 2231) are out of order, missing or given twice.")
ANOMALY(PARAMETER_MIXED, "parameter-pieces-mixed",
        "A parameter is given as a whole and in pieces or encoded, and they differ.")

/* ---- boundaries ---- */
ANOMALY_READERS(BOUNDARY_MISSING, "boundary-missing", "A multipart names no boundary.")
ANOMALY_READERS(BOUNDARY_EMPTY, "boundary-empty", "A multipart's boundary is empty.")
ANOMALY(BOUNDARY_LONG, "boundary-long", "A boundary has more than 70 octets.")
ANOMALY(BOUNDARY_ILLEGAL, "boundary-illegal",
        "A boundary has characters in it that RFC 2046 does not allow.")
ANOMALY_READERS(BOUNDARY_UNUSED, "boundary-unused", "A multipart's boundary is not found in it.")
ANOMALY(BOUNDARY_UNCLOSED, "boundary-unclosed", "A multipart is not closed.")
ANOMALY_READERS(BOUNDARY_AFTER_END, "boundary-after-end",
                "A multipart goes on after it was closed.")
ANOMALY_READERS(BOUNDARY_SAME, "boundary-same", "A multipart in another has the same boundary.")
ANOMALY_READERS(BOUNDARY_PREFIX, "boundary-prefix",
                "A line begins with a boundary and goes on, so that only some see a boundary.")
ANOMALY_READERS(BOUNDARY_IN_MESSAGE, "boundary-interrupts",
                "A boundary of the outer multipart ends an inner one that is not closed.")
ANOMALY(MULTIPART_ENCODED, "multipart-encoded",
        "A multipart or an attached message has a Content-Transfer-Encoding that is not allowed.")
ANOMALY_READERS(MULTIPART_BASE64, "multipart-base64",
                "A multipart or an attached message is encoded, which only some readers undo.")
ANOMALY(MULTIPART_EMPTY, "multipart-empty", "A multipart has no part.")
ANOMALY_READERS(PREAMBLE_PART, "preamble-part",
                "What stands before a multipart's first part looks like a part or a file.")
ANOMALY_READERS(EPILOGUE_PART, "epilogue-part",
                "What stands behind a multipart's end looks like a part or a file.")

/* ---- encodings ---- */
ANOMALY_READERS(ENCODING_UNKNOWN, "encoding-unknown", "A Content-Transfer-Encoding is unknown.")
ANOMALY_READERS(ENCODING_DECORATED, "encoding-decorated",
                "A Content-Transfer-Encoding has comments, quotes, parameters or blanks in it.")
ANOMALY(ENCODING_EMPTY, "encoding-empty", "A Content-Transfer-Encoding is empty.")
ANOMALY(ENCODING_UUENCODE, "encoding-uuencode",
        "A Content-Transfer-Encoding is uuencode or yEnc, which not all readers know.")
ANOMALY(BASE64_ILLEGAL, "base64-illegal", "What is base64 has other characters in it.")
ANOMALY_READERS(BASE64_AFTER_PADDING, "base64-after-padding",
                "What is base64 goes on behind its end.")
ANOMALY(BASE64_CUT, "base64-cut", "What is base64 ends in the middle of a group.")
ANOMALY(QUOTED_ILLEGAL, "quoted-printable-illegal",
        "What is quoted-printable has \"=\" without two hexadecimal digits.")
ANOMALY(UUENCODE_IN_TEXT, "uuencode-in-text",
        "A text has a uuencoded or yEnc file in it, which some readers show as a file.")
ANOMALY_READERS(FILE_IN_TEXT, "file-in-text",
                "A text has base64 in it that makes a file, which is named no attachment.")
ANOMALY_READERS(ENCODING_OTHER, "encoding-wrong",
                "A part makes a file when it is decoded in another way than its header says.")
ANOMALY(CHARSET_ODD, "charset-utf-16", "A text is in UTF-7, UTF-16 or UTF-32.")

/* ---- kinds of parts ---- */
ANOMALY_READERS(MESSAGE_PARTIAL, "message-partial",
                "The message is a piece of another one (message/partial).")
ANOMALY_READERS(EXTERNAL_BODY, "message-external-body",
                "A part is to be fetched from elsewhere (message/external-body).")
ANOMALY(TNEF_OPAQUE, "tnef-broken", "A winmail.dat could not be read to its end.")
ANOMALY(ARCHIVE_BROKEN, "archive-broken", "An archive could not be read to its end.")
ANOMALY(ARCHIVE_OVERLAP, "archive-overlap", "Members of a ZIP share octets, or its lists differ.")
ANOMALY(RTF_OBJECT, "rtf-object", "An RTF document has an object in it.")
ANOMALY(TYPE_DIFFERS, "type-differs",
        "A file that runs, or an archive, is declared as a picture, a sound or a text.")

/* ---- names of files ---- */
ANOMALY(NAME_RIGHT_TO_LEFT, "name-right-to-left",
        "A file's name has characters that turn the direction of what follows.")
ANOMALY(NAME_INVISIBLE, "name-invisible", "A file's name has characters that are not seen.")
ANOMALY(NAME_CONTROL, "name-control", "A file's name has control characters.")
ANOMALY(NAME_8BIT, "name-8bit", "A file's name has octets above 127 that are not encoded.")
ANOMALY(NAME_DOUBLE_EXTENSION, "name-double-extension",
        "A file that runs has a second extension in front, of a document: a.pdf.exe.")
ANOMALY(NAME_GAP, "name-gap", "A file's name has many blanks in front of its extension.")
ANOMALY(NAME_TRAILING, "name-trailing",
        "A file's name ends in blanks or dots, which Windows leaves out.")
ANOMALY(NAME_PATH, "name-path", "A file's name says in which folder it would like to be.")
ANOMALY(NAME_DIFFERS, "name-differs",
        "A part has two names, and they differ in their extension.")
ANOMALY(NAME_LONG, "name-long", "A file's name has more than 255 octets.")

/* ---- lines ---- */
ANOMALY_READERS(BARE_CR, "bare-cr", "A CR stands without a LF, which some take for a line end.")
ANOMALY(BARE_LF, "bare-lf", "Some lines end in LF and others in CRLF.")
ANOMALY(BODY_NUL, "text-nul", "A text has NUL octets in it.")
ANOMALY_READERS(READERS_DIFFER, "readers-differ",
                "Two readers of our own do not see the same parts.")
