/* Nothing of a program runs unless all of it is sound. */
#ifndef CHECK_H
#define CHECK_H

#include "program.h"

struct verdict {
    uint32_t status, detail;
};

#define NO_DETAIL 0xffffffff

/* Checks header, checksum and every operation; fills in program->payload and program->data_bytes. */
struct verdict check_program(struct program *program, uint32_t vcpu);

#endif
