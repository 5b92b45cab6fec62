/* Raw instruction bytes with all registers. */
#ifndef RAW_H
#define RAW_H

#include "cpu.h"

/* Executes `input`'s code and writes a raw_output (and vector registers, if asked for) to `output`. */
void raw_run(struct cpu *cpu, const struct raw_input *input, uint8_t *output);

#endif
