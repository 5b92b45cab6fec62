/* What each vCPU keeps for itself, reached through GS. */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu_offsets.h"
#include "processor.h"
#include "program_format.h"

/* The registers that an operation starts with and ends with. */
struct registers {
    uint64_t rflags;
    uint64_t gpr[LIMIT_GPR];
};

/* Which exceptions belong to the running operation: those whose RIP lies in [first, last). `resume` 0: none. */
struct guard {
    uint64_t first, last, resume;
};

struct fault {
    bool happened;
    uint8_t vector;
    uint32_t error_code;
    uint64_t rip, cr2;
};

/* 64-bit task-state segment (SDM 3A, figure 8-11): here only the stacks for exceptions. */
struct tss {
    uint32_t reserved;
    uint64_t rsp[3];
    uint64_t reserved2;
    uint64_t ist[7];
    uint64_t reserved3;
    uint16_t reserved4, io_map;
} __attribute__((packed));

/* Exceptions run on stacks of their own: a raw operation may set RSP. `owner` finds the cpu though GS be spoilt. */
struct trap_stack {
    struct cpu *owner;
    uint8_t bytes[STACK_BYTES - 8];
} __attribute__((aligned(STACK_BYTES)));

/* What the operation that lets interrupts come looks for; `vectors` is null while they may not. */
struct interrupts {
    uint8_t *vectors;
    uint32_t wanted;
    volatile uint32_t came;
    uint16_t port;
    uint8_t end;
};

struct cpu {
    /* Used by assembly: cpu_offsets.h. */
    struct cpu *self;
    uint64_t resume_rsp;
    uint64_t code;
    uint64_t start, end;
    struct registers registers;

    struct guard guard;
    struct fault fault;
    struct interrupts interrupts;
    uint32_t vcpu;
    uint32_t apic_id;
    /* Sequence of the last program that was run or refused. */
    uint32_t last_sequence;
    struct tss tss;
    uint8_t vectors[LIMIT_VECTORS * LIMIT_VECTOR_BYTES] __attribute__((aligned(64)));
    struct trap_stack trap_stack, double_fault_stack;
};

/* Gives the calling vCPU its struct cpu, descriptor tables and registers. `ticket`: order of arrival. */
struct cpu *cpu_init(uint32_t ticket);

#endif
