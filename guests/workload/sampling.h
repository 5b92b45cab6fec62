/* SAMPLE: one operation many times, each time measured. */
#ifndef SAMPLING_H
#define SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

/* Whether a loop exists for this operation and size. */
bool sampling_possible(uint8_t opcode, uint8_t size);

/* Runs the warm-up, then `operation->count` turns into `samples`. Returns how many samples there are: a fault ends it. */
uint32_t sampling_run(struct cpu *cpu, const struct operation *operation, uint32_t *samples);

#endif
