/*
 * The flight recorder: what a lane of a server saw, in order. Fixed records in a ring that is allocated and touched before the
 * server serves, so that recording costs neither a page fault nor a system call.
 */
#ifndef IOREQLAB_TRACE_H
#define IOREQLAB_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_RECORDS 16384 /* a power of two */

enum trace_origin {
    TRACE_HANDLER = 0,  /* answered by the server's handler */
    TRACE_WATCHDOG = 1, /* answered in place of a stuck handler */
    TRACE_CLOSING = 2,  /* answered when the server was closed */
};

/* Layout of src/trace/record.ts. Little endian. */
struct trace_record {
    uint64_t tsc_taken;    /* TSC when the request was taken from its slot */
    uint64_t tsc_answered; /* TSC just before the slot became IORESP_READY */
    uint64_t addr;
    uint64_t data;   /* as Xen sent it */
    uint64_t answer; /* as the slot's data was left */
    uint32_t count;
    uint32_t size;
    uint32_t sequence; /* of this server, from 0; of this lane until read_trace() merges them */
    uint16_t vcpu;
    uint8_t type;
    uint8_t bits;   /* enum request_bit */
    uint8_t origin; /* enum trace_origin */
    uint8_t pad[7];
};

_Static_assert(sizeof(struct trace_record) == 64, "src/trace/record.ts expects 64-byte records");

struct trace {
    struct trace_record *records; /* TRACE_RECORDS of them */
    uint64_t count;               /* records ever written; the newest is at (count - 1) % TRACE_RECORDS */
    bool off;                     /* nothing is recorded any more; any thread sets it */
};

static inline bool trace_is_off(const struct trace *trace)
{
    return __atomic_load_n(&trace->off, __ATOMIC_RELAXED);
}

int trace_init(struct trace *trace);
void trace_free(struct trace *trace);

#endif
