#include "barrier.h"

#include "io.h"
#include "lock.h"
#include "program_format.h"

/* One barrier per lowest participant: runs of disjoint sets of vCPUs may go on at the same time. */
struct barrier {
    struct lock lock;
    uint32_t sequence;
    uint32_t arrived;
    uint32_t generation;
} __attribute__((aligned(64)));

static struct barrier barriers[MAX_VCPUS];

static uint32_t generation_of(const struct barrier *barrier) { return __atomic_load_n(&barrier->generation, __ATOMIC_ACQUIRE); }

/* gcc would call libgcc for __builtin_popcount on the oldest x86-64. */
static uint32_t count_bits(uint32_t mask)
{
    uint32_t bits = 0;

    for (; mask; mask &= mask - 1)
        bits++;
    return bits;
}

bool barrier_wait(uint32_t sequence, uint32_t participants, uint64_t timeout)
{
    struct barrier *barrier = &barriers[__builtin_ctz(participants)];
    uint32_t wanted = count_bits(participants);
    uint64_t start = rdtsc();
    uint32_t generation;
    bool last;

    lock_take(&barrier->lock);
    if (barrier->sequence != sequence) {
        /* The first of a run: whoever an earlier run left waiting is let go by the new generation. */
        barrier->sequence = sequence;
        barrier->arrived = 0;
        __atomic_add_fetch(&barrier->generation, 1, __ATOMIC_RELEASE);
    }
    generation = generation_of(barrier);
    last = ++barrier->arrived == wanted;
    if (last) {
        barrier->arrived = 0;
        __atomic_add_fetch(&barrier->generation, 1, __ATOMIC_RELEASE);
    }
    lock_release(&barrier->lock);
    if (last)
        return true;

    while (generation_of(barrier) == generation) {
        if (rdtsc() - start > timeout) {
            bool met;

            /* Take the arrival back, unless the others came in the meantime. */
            lock_take(&barrier->lock);
            met = generation_of(barrier) != generation;
            if (!met)
                barrier->arrived--;
            lock_release(&barrier->lock);
            return met;
        }
        pause();
    }
    return true;
}
