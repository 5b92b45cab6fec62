/* A program in a window, as the guest's parts hand it to each other. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "program_format.h"

struct program {
    const struct program_header *header;
    const struct operation *operations;
    /* Set by check_program. */
    const uint8_t *payload;
    uint32_t data_bytes;
    struct operation_result *results;
    uint8_t *data;
};

static inline uint32_t align_data(uint32_t bytes)
{
    return (bytes + WINDOW_DATA_ALIGNMENT - 1) & ~(uint32_t)(WINDOW_DATA_ALIGNMENT - 1);
}

/* Offset of the data area in the result region. */
static inline uint32_t result_data_start(uint32_t count)
{
    return align_data((uint32_t)(sizeof(struct result_header) + count * sizeof(struct operation_result)));
}

/* Bytes of one sample: its duration, and with stamps its start before it. */
static inline uint32_t sample_bytes(const struct operation *operation)
{
    return (operation->flags & FLAG_STAMPS ? 2 : 1) * (uint32_t)sizeof(uint32_t);
}

/* Bytes of the data area that an operation's result takes, before alignment. */
static inline uint64_t result_data_bytes(const struct operation *operation, const struct raw_input *raw)
{
    switch (operation->opcode) {
    case OP_READ:
    case OP_INTERRUPTS:
        return operation->count;
    case OP_SAMPLE:
        return (uint64_t)operation->count * sample_bytes(operation);
    case OP_RAW:
        return sizeof(struct raw_output) + (raw->vector_bytes ? LIMIT_VECTORS * LIMIT_VECTOR_BYTES : 0);
    default:
        return 0;
    }
}

#endif
