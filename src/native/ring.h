/*
 * The buffered ioreq ring: struct buffered_iopage of Xen's public/hvm/ioreq.h. Xen puts writes there for which no vCPU
 * waits (ioreq_send_buffered in xen/common/ioreq.c); we take them out, in order.
 *
 * Both pointers count on freely, and the slot is the pointer modulo 511. Without BUFIOREQ_ATOMIC they simply wrap at
 * 2^32, and the slot jumps there, for Xen and for us alike. With it Xen may at any moment subtract the same multiple of
 * 511 from both: so the two are read as one word, and the read pointer is moved by an atomic addition. Both ways are right
 * for a ring that is not ATOMIC too.
 *
 * Xen trusts its page and so must not we: whatever the pointers hold, no slot outside the page is read, and a ring that
 * says it holds more than it can is emptied, once.
 */
#ifndef IOREQLAB_RING_H
#define IOREQLAB_RING_H

#include "slot.h"

#define RING_SLOTS IOREQ_BUFFER_SLOT_NUM

_Static_assert(sizeof(struct buffered_iopage) == 4096 && RING_SLOTS == 511, "Xen's ring is a page");

struct ring {
    struct buffered_iopage *page; /* NULL: there is none; shared with Xen */
    /*
     * A vCPU whose request is READY waits until what was in the ring at that moment is done: so many slots still. As many
     * as the ring has, at most: a guest that floods the ring keeps nobody waiting for ever.
     */
    unsigned int ahead;
    int waiting_vcpu; /* that vCPU, or -1 */
    unsigned int taken; /* slots of the entry that is being handled: 1 or 2 */
};

/* Slots that hold entries. A ring whose pointers make no sense is emptied and told of in `damaged`. */
static inline unsigned int ring_used(struct ring *ring, uint32_t *read_pointer, uint32_t *damaged)
{
    struct buffered_iopage *page = ring->page;
    uint64_t both = __atomic_load_n((uint64_t *)page, __ATOMIC_ACQUIRE);
    uint32_t used = (uint32_t)(both >> 32) - (uint32_t)both;

    *read_pointer = both;
    if ( used <= RING_SLOTS )
        return used;
    __atomic_add_fetch((uint32_t *)page, used, __ATOMIC_ACQ_REL);
    (*damaged)++;
    return 0;
}

/* Moves on behind entries of so many slots. */
static inline void ring_advance(struct ring *ring, unsigned int slots)
{
    /* release: Xen overwrites the slots only after we have read them */
    __atomic_add_fetch((uint32_t *)ring->page, slots, __ATOMIC_ACQ_REL);
    ring->ahead -= slots < ring->ahead ? slots : ring->ahead;
}

/*
 * Copies the oldest entry and returns its slots, or 0 when there is none. It stays in the ring until ring_advance(). An
 * entry of 8 bytes takes two slots with the same header; Xen makes both visible at once.
 */
static inline unsigned int ring_take(struct ring *ring, struct request *request)
{
    const volatile uint64_t *slots = (const volatile uint64_t *)ring->page + 1;
    uint32_t read_pointer;
    unsigned int used = ring_used(ring, &read_pointer, &request->ring_damaged), size;
    uint64_t first, second = 0;

    if ( !used )
        return 0;
    first = slots[read_pointer % RING_SLOTS];
    size = first >> 10 & 3;
    if ( size == 3 )
    {
        if ( used < 2 )
        {
            request->ring_damaged++;
            ring_advance(ring, 1);
            return 0;
        }
        second = slots[(read_pointer + 1) % RING_SLOTS];
    }
    request->vcpu = 0;
    request->type = (uint8_t)first;
    request->bits = REQUEST_BUFFERED | (first >> 9 & 1 ? REQUEST_READ : 0);
    request->addr = (uint32_t)first >> 12;
    request->data = first >> 32 | (second >> 32) << 32;
    request->count = 1;
    request->size = 1u << size;
    request->answer = UINT64_MAX;
    return size == 3 ? 2 : 1;
}

#endif
