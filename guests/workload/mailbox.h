/* A vCPU's window: a program in, its results out. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "cpu.h"

/* Sequence of the program in the window. */
uint32_t mailbox_sequence(const struct cpu *cpu);

/* Checks the program, runs it if nothing is wrong with it, and leaves a result header either way. */
void mailbox_run(struct cpu *cpu);

/* Where raw code of this vCPU is executed. */
uint8_t *mailbox_code(const struct cpu *cpu);

#endif
