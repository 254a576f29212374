/* A DNS list and which of its answers count, in the notation of Postfix (postconf(5),
 * reject_rbl_client and postscreen_dnsbl_sites):
 *
 *     zen.example.net                  any answer
 *     zen.example.net=127.0.0.2        this one
 *     zen.example.net=127.0.0.[2..11]  any of these; within brackets numbers and ranges, ";"
 * between
 *
 * And what an answer of a list means at all (RFC 5782). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"

struct list_octet {
    uint64_t bits[4]; /* which of 0 to 255 are meant */
};

struct list_filter {
    struct slice zone; /* within the parsed text; no name of the DNS yet */
    bool any;          /* there is no filter, and `octets` is not set */
    struct list_octet octets[4];
};

/* 0 and *ret; or -EINVAL and *ret_problem, a phrase such as "expected a number from 0 to 255",
 * which is static. A filter that no answer can pass which counts is an error, too. */
int list_filter_parse(struct slice text, struct list_filter *ret, const char **ret_problem);

bool list_filter_matches(const struct list_filter *f, const struct addr *answer);

/* Whether the list speaks as a list does: from 127.0.0.0/8 (RFC 5782 2.1), but not from
 * 127.255.255.0/24, by which lists say that they do not answer this client. */
bool list_answer_counts(const struct addr *answer);
