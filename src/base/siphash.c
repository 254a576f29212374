#include "base/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v[4];
};

static uint64_t turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void rounds(struct state *s, unsigned count)
{
    uint64_t *v = s->v;
    while (count-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turn(v[1], 13) ^ v[0];
        v[3] = turn(v[3], 16) ^ v[2];
        v[0] = turn(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = turn(v[1], 17) ^ v[2];
        v[3] = turn(v[3], 21) ^ v[0];
        v[2] = turn(v[2], 32);
    }
}

/* Up to eight octets, the first of them lowest. */
static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    if (n > 0) {
        memcpy(&x, p, n);
    }
    return le64toh(x);
}

static void take(struct state *s, uint64_t word)
{
    s->v[3] ^= word;
    rounds(s, 2);
    s->v[0] ^= word;
}

uint64_t siphash24(const uint8_t secret[static SIPHASH_SECRET], const uint8_t *p, size_t n)
{
    uint64_t k0 = little_endian(secret, 8), k1 = little_endian(secret + 8, 8);
    struct state s = {{k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U,
                       k1 ^ 0x7465646279746573U}};
    size_t left = n;
    for (; left >= 8; left -= 8, p += 8) {
        take(&s, little_endian(p, 8));
    }
    take(&s, little_endian(p, left) | (uint64_t)n << 56);
    s.v[2] ^= 0xff;
    rounds(&s, 4);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
