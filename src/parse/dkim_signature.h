/* A DKIM-Signature (RFC 6376 3.5), and the two fields of ARC that are written like it (RFC
 * 8617 4.1): its tags, each with the syntax and the values that it may have.
 *
 * Must not know the message or a key: whether anything was signed is for src/auth to find out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "parse/canonical.h"

/* Longer fields are not read. Real ones have less than 2 KiB, those with z= included. */
#define DKIM_FIELD_MOST (16 * 1024)

/* Names in h=. Real ones have less than 60, repeated ones included. */
#define DKIM_FIELDS_MOST 500

/* Of b=, in octets: as much as an RSA key of 4,096 bits signs with. */
#define DKIM_B_MOST    512

#define DKIM_BODY_HASH 32 /* octets of SHA-256 */

/* i= has a local part of up to 64 octets and a domain of up to 255. */
#define DKIM_IDENTITY_MOST 320

/* Which field it is. */
enum dkim_field {
    DKIM_SIGNATURE,
    ARC_MESSAGE_SIGNATURE,
    ARC_SEAL,
};

/* a= */
enum dkim_algorithm {
    DKIM_NO_ALGORITHM, /* an unknown one */
    DKIM_RSA_SHA1,     /* known, and not to be used any more (RFC 8301 3.1) */
    DKIM_RSA_SHA256,
    DKIM_ED25519_SHA256,
};

/* Slices lie in the field's text, but `identity` in the struct itself, which must not be copied. */
struct dkim_signature {
    struct slice domain;           /* d= */
    struct slice selector;         /* s= */
    struct slice identity;         /* i= without its encoding; "@" and d= where there is none */
    bool below;                    /* the domain of i= is below d=, not d= itself */
    struct slice algorithm_text;   /* a= as it stands there */
    enum dkim_algorithm algorithm; /* a= */
    enum canonical header, body;   /* c=; ARC-Seal: both relaxed */
    struct slice fields;           /* h=, for tag_next_item; of ARC items may be empty */
    bool signs_from;               /* From is among them; when there is no problem */
    uint64_t length;               /* l=; UINT64_MAX where all of the body is signed */
    uint64_t signed_at;            /* t=, seconds since 1970; 0: it does not say */
    uint64_t expires;              /* x=, likewise; UINT64_MAX: never */
    unsigned instance;             /* ARC: i=, 1 to 99 */
    struct slice chain;            /* ARC-Seal: cv= as it stands there */
    struct slice b;                /* b= as it stands there */
    struct slice hole;             /* what is left out where this field itself is hashed (3.5) */
    const char *problem;           /* in a few plain words; "" */
    size_t signature_count;
    uint8_t signature[DKIM_B_MOST];    /* what b= says */
    uint8_t body_hash[DKIM_BODY_HASH]; /* what bh= says; not of rsa-sha1 and ARC-Seal */
    char identity_text[DKIM_IDENTITY_MOST];
};

/* Of the body of a field (parse/header_fields.h). Whatever could be read is in *ret in any case,
 * the rest empty, and ret->problem is the first thing that is wrong: -EBADMSG: with the syntax, or
 * a value that is not known here (the version, an algorithm, a canonical form, a way to get the
 * key), b= longer than DKIM_B_MOST, or i= that is not at d= or below; -ENODATA: From is not among
 * the signed fields (DKIM-Signature alone, 5.4); -E2BIG: it is longer than DKIM_FIELD_MOST, or has
 * more than TAG_LIST_MOST tags. */
int dkim_signature_parse(struct slice body, enum dkim_field kind, struct dkim_signature *ret);
