/* Exceptions: those of an operation end it with a result, any other stops the guest. Interrupts: interrupts.c. */
#ifndef TRAPS_H
#define TRAPS_H

#include <stdint.h>

#define TRAP_VECTORS 256
#define TRAP_FIRST_INTERRUPT 32

/* Entry points by vector, in traps.S. */
extern const uint64_t trap_entries[TRAP_VECTORS];

/* What traps.S leaves on the stack: registers in the processor's order from the top of the pushes. */
struct trap_frame {
    uint64_t gpr[16];
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

void trap_handle(struct trap_frame *frame);

#endif
