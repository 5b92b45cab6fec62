/*
 * One slot of the synchronous ioreq page: struct ioreq of Xen's public/hvm/ioreq.h, 32 bytes per vCPU.
 *
 * The state shares its byte with data_is_ptr, dir and df, which belong to Xen: a transition replaces the low four bits
 * and keeps the rest. The page is shared with Xen and, in principle, with anything that can write to it, so a request
 * is copied once and only the copy is used (XSA-197).
 */
#ifndef IOREQLAB_SLOT_H
#define IOREQLAB_SLOT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/hvm/ioreq.h>

#define SLOT_STATE_BYTE 30

_Static_assert(sizeof(struct ioreq) == 32, "Xen's struct ioreq is 32 bytes");
_Static_assert(offsetof(struct ioreq, type) == 31, "the type is Xen's last byte, the state's byte the one before it");

static inline uint8_t *slot_state_byte(struct ioreq *slot)
{
    return (uint8_t *)slot + SLOT_STATE_BYTE;
}

static inline unsigned int slot_state(struct ioreq *slot)
{
    /* acquire: what Xen wrote before READY is read after it (x86: no instruction, but the compiler must not reorder) */
    return __atomic_load_n(slot_state_byte(slot), __ATOMIC_ACQUIRE) & 0xf;
}

static inline void slot_set_state(struct ioreq *slot, unsigned int state)
{
    uint8_t *byte = slot_state_byte(slot);

    /* release: the answer is visible before IORESP_READY is */
    __atomic_store_n(byte, (uint8_t)((*byte & 0xf0) | state), __ATOMIC_RELEASE);
}

/* Takes a READY request: marks it INPROCESS and copies it. */
static inline void slot_take(struct ioreq *slot, struct ioreq *copy)
{
    memcpy(copy, slot, sizeof *copy);
    slot_set_state(slot, STATE_IOREQ_INPROCESS);
}

/* True when an answer to this request carries data in the slot. */
static inline int slot_wants_data(const struct ioreq *request)
{
    return request->dir == IOREQ_READ && !request->data_is_ptr;
}

#endif
