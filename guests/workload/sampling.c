#include "sampling.h"

#include "program.h"

/* What samplers.S makes of each loop. */
struct sampler {
    uint64_t first, last;
    uint8_t opcode, size, reserved[6];
};

/* Read by sampler_run in this order. */
struct sampler_input {
    uint64_t loop, rax, rdx, address, samples, stride, turns;
};

extern const struct sampler sampler_table_start[], sampler_table_end[];
extern const char sampler_faulted[];
uint64_t sampler_run(const struct sampler_input *input);

static const struct sampler *find(uint8_t opcode, uint8_t size)
{
    for (const struct sampler *each = sampler_table_start; each < sampler_table_end; each++)
        if (each->opcode == opcode && each->size == size)
            return each;
    return NULL;
}

bool sampling_possible(uint8_t opcode, uint8_t size) { return find(opcode, size) != NULL; }

static uint64_t turns_left(struct cpu *cpu, const struct sampler *sampler, const struct sampler_input *input)
{
    uint64_t left;

    if (input->turns == 0)
        return 0;
    cpu->guard = (struct guard){ .first = sampler->first, .last = sampler->last, .resume = (uint64_t)sampler_faulted };
    __asm__ volatile("" : : : "memory");
    left = sampler_run(input);
    __asm__ volatile("" : : : "memory");
    cpu->guard.resume = 0;
    return left;
}

uint32_t sampling_run(struct cpu *cpu, const struct operation *operation, uint32_t *samples)
{
    const struct sampler *sampler = find(operation->inner, operation->size);
    bool port_first = operation->inner == OP_IN || operation->inner == OP_OUT;
    bool leaf_first = operation->inner == OP_CPUID;
    uint32_t warmup[2]; /* the start, where it has a place of its own, and the duration before it */
    struct sampler_input input = {
        .loop = sampler->first,
        .rax = leaf_first ? operation->a : operation->b,
        .rdx = port_first ? operation->a : operation->b,
        .address = operation->a,
        .samples = (uint64_t)&warmup[1],
        .stride = 0,
        .turns = operation->c,
    };

    cpu->fault.happened = false;
    if (turns_left(cpu, sampler, &input) > 0)
        return 0;
    input.samples = (uint64_t)samples;
    input.stride = sample_bytes(operation);
    input.turns = operation->count;
    return (uint32_t)(operation->count - turns_left(cpu, sampler, &input));
}
