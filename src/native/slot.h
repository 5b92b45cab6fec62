/*
 * One slot of the synchronous ioreq page: struct ioreq of Xen's public/hvm/ioreq.h, 32 bytes per vCPU.
 *
 * The state shares its byte with data_is_ptr, dir and df, which belong to Xen: a transition replaces the low four bits
 * and keeps the rest. The page is shared with Xen and, in principle, with anything that can write to it, so a request
 * is copied once and only the copy is used (XSA-197).
 */
#ifndef IOREQLAB_SLOT_H
#define IOREQLAB_SLOT_H

#include <stdbool.h>

#include <xen/xen.h>
#include <xen/hvm/ioreq.h>

#include "request.h"

#define SLOT_STATE_BYTE 30

_Static_assert(sizeof(struct ioreq) == 32, "Xen's struct ioreq is 32 bytes");
_Static_assert(offsetof(struct ioreq, addr) == 0 && offsetof(struct ioreq, data) == 8 &&
                   offsetof(struct ioreq, count) == 16 && offsetof(struct ioreq, size) == 20,
               "slot_take() reads Xen's struct ioreq as four words of 64 bits");
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

/* Takes a READY request: copies it, each word once, and marks it INPROCESS. The answer is all ones until it is given. */
static inline void slot_take(struct ioreq *slot, unsigned int vcpu, struct request *request)
{
    /* data_is_ptr, dir and df, as they follow the state, to enum request_bit. */
    static const uint8_t bits[8] = {
        0, REQUEST_POINTER, REQUEST_READ, REQUEST_READ | REQUEST_POINTER,
        REQUEST_BACKWARDS, REQUEST_BACKWARDS | REQUEST_POINTER, REQUEST_BACKWARDS | REQUEST_READ,
        REQUEST_BACKWARDS | REQUEST_READ | REQUEST_POINTER,
    };
    const volatile uint64_t *words = (const volatile uint64_t *)slot;
    uint64_t repetition = words[2], last = words[3];
    unsigned int byte = last >> (SLOT_STATE_BYTE - 24) * 8;

    request->vcpu = vcpu;
    request->type = last >> 56;
    request->bits = bits[byte >> 4 & 7];
    request->addr = words[0];
    request->data = words[1];
    request->count = repetition;
    request->size = repetition >> 32;
    request->answer = UINT64_MAX;
    __atomic_store_n(slot_state_byte(slot), (uint8_t)((byte & 0xf0) | STATE_IOREQ_INPROCESS), __ATOMIC_RELEASE);
}

/* True when an answer to this request carries data in the slot. */
static inline bool slot_wants_data(const struct request *request)
{
    return (request->bits & (REQUEST_READ | REQUEST_POINTER)) == REQUEST_READ;
}

#endif
