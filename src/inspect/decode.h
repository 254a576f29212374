/* Undoing what Content-Transfer-Encoding names, as leniently as mail readers do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum mime_encoding {
    ENCODING_NONE, /* 7bit, 8bit, binary */
    ENCODING_BASE64,
    ENCODING_QUOTED,
    ENCODING_UUENCODE,
    ENCODING_YENC,
    ENCODING_UNKNOWN,
};

/* What was odd; all false for what is as the RFCs want it. */
struct decode_oddities {
    bool illegal;       /* characters that are no part of the encoding */
    bool after_padding; /* more came behind the end */
    bool cut;           /* it ends within a group */
};

/* The encoding of that name, in whatever case. */
enum mime_encoding mime_encoding_of(struct slice name);

/* Appends what `octets` mean, `most` octets of it. Illegal characters are skipped. True when it is
 * all. */
bool mime_decode(enum mime_encoding encoding, struct slice octets, size_t most, struct buf *ret,
                 struct decode_oddities *odd);

/* RFC 2045 6.8. Behind padding it goes on. */
bool decode_base64(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd);
/* RFC 2045 6.7. */
bool decode_quoted(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd);
/* Lines behind "begin", up to "end" (decode_lines.c). */
bool decode_uu(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd);
bool decode_yenc(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd);

/* The next file that is encoded in a text so that some readers show it (decode_lines.c). */
struct encoded_file {
    struct slice name;
    struct slice lines; /* to be decoded, from "begin" or "=ybegin" on to the end */
    enum mime_encoding encoding;
};

/* Takes it off the front of *rest, with what stands before it; false when there is none. */
bool encoded_file_next(struct slice *rest, struct encoded_file *ret);
