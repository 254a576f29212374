/* SipHash-2-4 (Aumasson, Bernstein 2012): a hash that nobody can aim at without its secret, for
 * tables whose keys come from strangers. No digest: 64 bits are no proof of anything. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_SECRET 16 /* octets */

uint64_t siphash24(const uint8_t secret[static SIPHASH_SECRET], const uint8_t *p, size_t n);
