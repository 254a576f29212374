/* SHA-256, whole or in pieces (OpenSSL underneath). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32

struct digest {
    uint8_t octets[DIGEST_LEN];
};

struct digest_stream; /* reusable: init, update…, finish, init… */

struct digest_stream *digest_stream_new(void);
void digest_stream_free(struct digest_stream *d);
void digest_stream_init(struct digest_stream *d);
void digest_stream_update(struct digest_stream *d, const void *p, size_t n);
/* `to` goes on from where `from` is; both may be updated further. */
void digest_stream_copy(struct digest_stream *to, const struct digest_stream *from);
struct digest digest_stream_finish(struct digest_stream *d);
