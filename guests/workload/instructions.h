/* The table that instructions.S makes. */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

#include <stdint.h>

#include "program_format.h"

struct instruction {
    uint64_t first, last;
    uint8_t opcode, size, flags, reserved[5];
};

/* The instruction of an operation, or NULL when no such instruction exists. */
const struct instruction *instruction_find(const struct operation *operation);

#endif
