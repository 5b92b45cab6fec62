/*
 * How far dom0's TSC is ahead of the guest's, which Xen offsets (hvm_set_guest_tsc in xen/arch/x86/hvm/hvm.c): both sides
 * show each other their clocks in shared memory, which takes neither an exit nor an event, and each notes by how much the
 * other's is behind at least. The guest's side is machine code of harness/host/clock-exchange.ts.
 */
#ifndef IOREQLAB_CLOCK_H
#define IOREQLAB_CLOCK_H

#include <node_api.h>

/* Offsets in the shared page, each in a cache line of its own. */
#define CLOCK_GUEST 0
#define CLOCK_HOST 64

/*
 * showClock(buffer, turns): shows the TSC so many times in a page that mapMemory gave. Returns the smallest distance from
 * what the guest showed to our TSC after it was read; Infinity when it showed nothing.
 */
napi_value show_clock(napi_env env, napi_callback_info info);

#endif
