#include "store/shm.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/fatal.h"

void shm_lock_init(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    int rc = pthread_mutexattr_init(&attr);
    if (rc == 0) {
        rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    }
    if (rc == 0) {
        rc = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (rc == 0) {
        rc = pthread_mutex_init(lock, &attr);
    }
    if (rc != 0) {
        fatal("no shared lock can be had: %s", strerror(rc));
    }
    pthread_mutexattr_destroy(&attr);
}

void shm_lock(pthread_mutex_t *lock)
{
    int rc = pthread_mutex_lock(lock);
    if (rc == EOWNERDEAD) {
        /* The tables need no repair: see the head of store/shm.h. */
        rc = pthread_mutex_consistent(lock);
    }
    if (rc != 0) {
        panic("shared lock: %s", strerror(rc));
    }
}

void shm_unlock(pthread_mutex_t *lock)
{
    int rc = pthread_mutex_unlock(lock);
    if (rc != 0) {
        panic("shared unlock: %s", strerror(rc));
    }
}

size_t shm_cells(size_t wanted)
{
    size_t cells = 16;
    while (cells < 2 * wanted) {
        cells *= 2;
    }
    return cells;
}

uint64_t shm_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        fatal("no random numbers: %s", strerror(errno));
    }
    return seed;
}

/* The finishing step of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return x;
}

uint64_t shm_hash(uint64_t seed, const void *p, size_t n)
{
    const char *at = p;
    uint64_t h = mix(seed ^ n);
    while (n > 0) {
        uint64_t word = 0;
        size_t part = n < sizeof(word) ? n : sizeof(word);
        memcpy(&word, at, part);
        h = mix(h ^ word);
        at += part;
        n -= part;
    }
    return h;
}
