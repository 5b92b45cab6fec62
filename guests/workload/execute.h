/* Executes single instructions. */
#ifndef EXECUTE_H
#define EXECUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

/*
 * Executes the instruction at `code` with cpu->registers, which hold what it left afterwards. An exception whose RIP lies
 * in [first, last) is its own: it is in cpu->fault then. Stamps in cpu->start and cpu->end.
 */
void execute_instruction(struct cpu *cpu, uint64_t code, uint64_t first, uint64_t last);

/* Where code that execute_instruction runs goes when it is done. */
extern const char execute_done[];

#endif
