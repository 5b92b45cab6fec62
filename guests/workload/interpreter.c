#include "interpreter.h"

#include "barrier.h"
#include "execute.h"
#include "halt.h"
#include "instructions.h"
#include "interrupts.h"
#include "io.h"
#include "memory.h"
#include "raw.h"
#include "sampling.h"

#define RFLAGS_RESERVED 0x2
#define RFLAGS_DF 0x400

/* Operands to registers, as format.ts says for each opcode. */
static void set_registers(struct registers *registers, const struct operation *operation)
{
    uint64_t *gpr = registers->gpr;
    uint64_t a = operation->a, b = operation->b;

    *registers = (struct registers){ .rflags = RFLAGS_RESERVED };
    if (operation->flags & FLAG_BACKWARD)
        registers->rflags |= RFLAGS_DF;
    gpr[RCX] = operation->count;

    switch (operation->opcode) {
    case OP_IN:
    case OP_OUT:
        gpr[RDX] = a;
        gpr[RAX] = b;
        break;
    case OP_LOAD:
    case OP_LODS:
        gpr[RSI] = a;
        gpr[RAX] = b;
        break;
    case OP_STORE:
    case OP_STOS:
    case OP_SCAS:
        gpr[RDI] = a;
        gpr[RAX] = b;
        break;
    case OP_INS:
        gpr[RDI] = a;
        gpr[RDX] = b;
        break;
    case OP_OUTS:
        gpr[RSI] = a;
        gpr[RDX] = b;
        break;
    case OP_MOVS:
    case OP_CMPS:
        gpr[RSI] = a;
        gpr[RDI] = b;
        break;
    case OP_CPUID:
        gpr[RAX] = a;
        gpr[RCX] = b;
        break;
    }
}

static void run_instruction(struct cpu *cpu, const struct operation *operation)
{
    const struct instruction *instruction = instruction_find(operation);

    set_registers(&cpu->registers, operation);
    execute_instruction(cpu, instruction->first, instruction->first, instruction->last);
}

/* Everything that is not an instruction of the program's. */
static void run_service(struct cpu *cpu, const struct program *program, const struct operation *operation,
                        struct operation_result *result, uint8_t *data)
{
    cpu->registers = (struct registers){ .rflags = RFLAGS_RESERVED };
    cpu->fault.happened = false;
    cpu->start = rdtsc();
    switch (operation->opcode) {
    case OP_BARRIER:
        if (!barrier_wait(program->header->sequence, program->header->participants, operation->a))
            result->outcome = OUTCOME_TIMEOUT;
        break;
    case OP_FILL:
        memset((void *)operation->a, (uint8_t)operation->b, operation->count);
        break;
    case OP_WRITE:
        memcpy((void *)operation->a, program->payload + operation->b, operation->count);
        break;
    case OP_READ:
        memcpy(data, (const void *)operation->a, operation->count);
        break;
    case OP_SAMPLE:
        result->samples = sampling_run(cpu, operation, (uint32_t *)data);
        break;
    case OP_INTERRUPTS:
        if (!interrupts_wait(cpu, operation, data))
            result->outcome = OUTCOME_TIMEOUT;
        break;
    case OP_CRASH:
        triple_fault();
    }
    if (!cpu->fault.happened)
        cpu->end = rdtsc();
}

static void report(struct operation_result *result, const struct cpu *cpu)
{
    const uint64_t *gpr = cpu->registers.gpr;

    result->cycles = cpu->end - cpu->start;
    result->rax = gpr[RAX];
    result->rbx = gpr[RBX];
    result->rcx = gpr[RCX];
    result->rdx = gpr[RDX];
    result->rsi = gpr[RSI];
    result->rdi = gpr[RDI];
    result->rflags = cpu->registers.rflags;
    if (!cpu->fault.happened)
        return;
    result->outcome = OUTCOME_FAULT;
    result->vector = cpu->fault.vector;
    result->error_code = cpu->fault.error_code;
    result->rip = cpu->fault.rip;
    result->cr2 = cpu->fault.cr2;
}

void interpret(struct cpu *cpu, const struct program *program)
{
    uint32_t used = 0;

    /* What a fault or an early end leaves unwritten must not be an earlier program's. */
    memset(program->data, 0, program->data_bytes);
    for (uint32_t i = 0; i < program->header->operation_count; i++) {
        const struct operation *operation = &program->operations[i];
        const struct raw_input *raw = (const struct raw_input *)(program->payload + operation->b);
        uint32_t bytes = (uint32_t)result_data_bytes(operation, raw);
        struct operation_result result = { .opcode = operation->opcode, .data_offset = used, .data_bytes = bytes };
        uint8_t *data = program->data + used;

        if (operation->opcode <= OP_RDTSC)
            run_instruction(cpu, operation);
        else if (operation->opcode == OP_RAW)
            raw_run(cpu, raw, data);
        else
            run_service(cpu, program, operation, &result, data);
        report(&result, cpu);
        program->results[i] = result;
        used += align_data(bytes);
    }
}
