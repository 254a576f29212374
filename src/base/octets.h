/* Numbers as octets, the most significant one first. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes the low `n` octets of `value`, 8 at most. */
static inline void octets_put(uint8_t *p, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
    }
}

/* Reads `n` octets, 8 at most. */
static inline uint64_t octets_get(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}
