/* Waiting for work. */
#ifndef CONTROL_H
#define CONTROL_H

#include "cpu.h"

/* Reads the control port and does what it says, until it says stop. */
void control_loop(struct cpu *cpu) __attribute__((noreturn));

#endif
