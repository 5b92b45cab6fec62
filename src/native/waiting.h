/*
 * How a serving thread waits: it blocks, it looks at the slots for a while first (spins), or it spins as long as that
 * has lately paid (adaptive).
 *
 * Adaptive follows the rule of KVM's halt polling (kvm_vcpu_block and grow_halt_poll_ns in Linux's virt/kvm/kvm_main.c):
 * a wait that outlasted the window but would have fitted into the longest one doubles it, a wait longer than that ends
 * the spinning until the next short one.
 */
#ifndef IOREQLAB_WAITING_H
#define IOREQLAB_WAITING_H

#include <stdint.h>

enum waiting_mode {
    WAITING_BLOCK,
    WAITING_SPIN,
    WAITING_ADAPTIVE,
};

/* The first window is this part of the longest: KVM starts with 10 us of 200. */
#define WAITING_FIRST_PART 16

struct waiting {
    uint64_t setting; /* enum waiting_mode | longest window in TSC cycles << 2; any thread writes it */
    uint64_t window;  /* adaptive: the window now; the serving thread's */
};

static inline void waiting_set(struct waiting *waiting, enum waiting_mode mode, uint64_t cycles)
{
    __atomic_store_n(&waiting->setting, cycles << 2 | mode, __ATOMIC_RELEASE);
}

/* For how many TSC cycles to look before blocking. */
static inline uint64_t waiting_window(const struct waiting *waiting)
{
    uint64_t setting = __atomic_load_n(&waiting->setting, __ATOMIC_ACQUIRE);
    uint64_t longest = setting >> 2;

    if ( (setting & 3) != WAITING_ADAPTIVE )
        return longest; /* 0 when it blocks */
    return waiting->window < longest ? waiting->window : longest;
}

/* After a wait that had to block: how long it took in all. */
static inline void waiting_ended(struct waiting *waiting, uint64_t cycles)
{
    uint64_t setting = __atomic_load_n(&waiting->setting, __ATOMIC_ACQUIRE);
    uint64_t longest = setting >> 2;

    if ( (setting & 3) != WAITING_ADAPTIVE )
        return;
    if ( cycles > longest )
        waiting->window = 0;
    else if ( cycles > waiting->window )
        waiting->window = waiting->window ? waiting->window * 2 : longest / WAITING_FIRST_PART + 1;
    if ( waiting->window > longest )
        waiting->window = longest;
}

#endif
