/* The operation that lets interrupts come. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "cpu.h"
#include "traps.h"

/* Until as many have come as `operation` wants: their vectors are in `vectors`, their number in RAX. False: too few in its time. */
bool interrupts_wait(struct cpu *cpu, const struct operation *operation, uint8_t *vectors);

/* From the entry point of a vector. False: nobody waits for one. */
bool interrupts_handle(struct cpu *cpu, struct trap_frame *frame);

#endif
