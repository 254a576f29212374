/* What store/marks.c, store/presence.c and store/timed.c have in common: a lock in memory that
 * processes share and may die with, and the rules by which their tables survive that.
 *
 * The tables are open addressed. A cell is living or void by its own content and the owners' epochs
 * alone, so nothing links cells together and a process that dies half-way through a change leaves
 * nothing to repair: a cell is filled with its living part written last, and emptied by clearing
 * that part first. `reach[home]` says how far from its home cell a key may lie; it is raised before
 * a cell is filled and lowered by whoever finds it too high.
 *
 * Never wait, allocate or do I/O while holding the lock. The master never takes one: a worker that
 * hangs, or that an attacker has taken over, could keep it for ever, and the C library follows
 * links that lie within it. */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Worker slots, as in base/decision_id.h. */
#define OWNER_SLOTS 1024

/* A process-shared robust mutex. Every failure to have one is fatal. */
void shm_lock_init(pthread_mutex_t *lock);
void shm_lock(pthread_mutex_t *lock);
void shm_unlock(pthread_mutex_t *lock);

/* Cells to have for `wanted` living ones at a time: a power of two, at most half of it wanted, so
 * that probes stay short. */
size_t shm_cells(size_t wanted);

/* A number nobody outside can predict, so that nobody can choose keys that collide. */
uint64_t shm_seed(void);

/* Mixes `n` octets with the seed into a hash. */
uint64_t shm_hash(uint64_t seed, const void *p, size_t n);

/* Stores made before this are in memory before those made after it, as seen by whoever finds this
 * process dead. */
static inline void shm_ordered(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}
