#include "check_operation.h"

#include <stdbool.h>

#include "instructions.h"
#include "sampling.h"
#include "vectors.h"

#define LAST_PORT 0xffff

static bool in_scratch(uint64_t address, uint64_t bytes)
{
    return address >= MEMORY_SCRATCH_BASE && bytes <= MEMORY_SCRATCH_SIZE &&
           address - MEMORY_SCRATCH_BASE <= MEMORY_SCRATCH_SIZE - bytes;
}

/* Whether `count` elements written from `address` on would touch the guest itself: a program that does not know better. */
static bool hits_guest(const struct operation *operation, uint64_t address, uint64_t count)
{
    uint64_t span = (count ? count - 1 : 0) * operation->size;
    bool backward = operation->flags & FLAG_BACKWARD;
    uint64_t low = backward ? (span > address ? 0 : address - span) : address;
    uint64_t last = (backward ? address : address + span) + operation->size - 1;

    return low < MEMORY_SCRATCH_BASE && last >= MEMORY_IMAGE_BASE;
}

static uint32_t check_target(const struct operation *operation, uint64_t address, uint64_t count)
{
    return hits_guest(operation, address, count) ? STATUS_OWN_MEMORY : STATUS_OK;
}

static uint32_t check_port(uint64_t port) { return port <= LAST_PORT ? STATUS_OK : STATUS_BAD_OPERAND; }

/* Operands of what executes a single instruction, alone or in SAMPLE. */
static uint32_t check_access(const struct operation *operation, uint8_t opcode)
{
    uint32_t elements = operation->flags & (FLAG_REP | FLAG_REPNE) ? operation->count : 1;

    switch (opcode) {
    case OP_IN:
    case OP_OUT:
        return check_port(operation->a);
    case OP_STORE:
        return check_target(operation, operation->a, 1);
    case OP_INS:
        return check_port(operation->b) ? STATUS_BAD_OPERAND : check_target(operation, operation->a, elements);
    case OP_OUTS:
        return check_port(operation->b);
    case OP_MOVS:
        return check_target(operation, operation->b, elements);
    case OP_STOS:
        return check_target(operation, operation->a, elements);
    default:
        return STATUS_OK;
    }
}

static uint32_t check_sample(const struct operation *operation)
{
    if (!sampling_possible(operation->inner, operation->size) || operation->c > UINT32_MAX)
        return STATUS_BAD_OPERAND;
    return check_access(operation, operation->inner);
}

static uint32_t check_payload(const struct program *program, const struct operation *operation)
{
    uint32_t bytes = program->header->payload_bytes;

    return operation->b % 8 == 0 && operation->b <= bytes && operation->count <= bytes - operation->b ? STATUS_OK
                                                                                                       : STATUS_BAD_OPERAND;
}

static uint32_t check_raw(const struct program *program, const struct operation *operation)
{
    const struct raw_input *raw = (const struct raw_input *)(program->payload + operation->b);
    uint32_t vectors = LIMIT_VECTORS * LIMIT_VECTOR_BYTES;

    if (check_payload(program, operation) || operation->count < sizeof(*raw))
        return STATUS_BAD_OPERAND;
    if (raw->code_bytes > LIMIT_RAW_CODE || raw->rflags & ~(uint64_t)RAW_RFLAGS || raw->reserved || raw->reserved2)
        return STATUS_BAD_OPERAND;
    if (raw->vector_bytes != 0 && raw->vector_bytes != 16 && raw->vector_bytes != 32)
        return STATUS_BAD_OPERAND;
    if (operation->count != sizeof(*raw) + (raw->vector_bytes ? vectors : 0))
        return STATUS_BAD_OPERAND;
    return raw->vector_bytes == 32 && !vectors_have_avx() ? STATUS_UNSUPPORTED : STATUS_OK;
}

static uint32_t check_plain(const struct operation *operation)
{
    bool string = operation->opcode >= OP_INS && operation->opcode <= OP_CMPS;

    if (!instruction_find(operation) || operation->inner || operation->c)
        return STATUS_BAD_OPERAND;
    if (!string && (operation->flags || operation->count))
        return STATUS_BAD_OPERAND;
    return check_access(operation, operation->opcode);
}

uint32_t check_operation(const struct program *program, const struct operation *operation)
{
    uint8_t flags = operation->opcode == OP_SAMPLE ? FLAG_STAMPS : FLAG_REP | FLAG_REPNE | FLAG_BACKWARD;

    if (operation->flags & ~flags)
        return STATUS_BAD_OPERAND;

    switch (operation->opcode) {
    case OP_IN ... OP_RDTSC:
        return check_plain(operation);
    case OP_BARRIER:
    case OP_CRASH:
        return STATUS_OK;
    case OP_FILL:
    case OP_READ:
        return in_scratch(operation->a, operation->count) ? STATUS_OK : STATUS_BAD_OPERAND;
    case OP_WRITE:
        return check_payload(program, operation) || !in_scratch(operation->a, operation->count) ? STATUS_BAD_OPERAND
                                                                                                 : STATUS_OK;
    case OP_INTERRUPTS:
        return operation->count < 1 || operation->count > LIMIT_INTERRUPTS || operation->b > LAST_PORT ||
                       operation->inner > END_PIC
                   ? STATUS_BAD_OPERAND
                   : STATUS_OK;
    case OP_RAW:
        return check_raw(program, operation);
    case OP_SAMPLE:
        return check_sample(operation);
    default:
        return STATUS_BAD_OPCODE;
    }
}
