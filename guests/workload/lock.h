/* A spinlock that pauses, so that an emulated machine switches to the holder. */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>

#include "io.h"

struct lock {
    bool taken;
};

static inline void lock_take(struct lock *lock)
{
    while (__atomic_test_and_set(&lock->taken, __ATOMIC_ACQUIRE))
        pause();
}

static inline void lock_release(struct lock *lock) { __atomic_clear(&lock->taken, __ATOMIC_RELEASE); }

#endif
