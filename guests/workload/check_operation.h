/* The rules for one operation. */
#ifndef CHECK_OPERATION_H
#define CHECK_OPERATION_H

#include "program.h"

/* STATUS_OK, or what is wrong with the operation. */
uint32_t check_operation(const struct program *program, const struct operation *operation);

#endif
