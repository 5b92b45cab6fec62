#include "traps.h"

#include "console.h"
#include "cpu.h"
#include "halt.h"
#include "interrupts.h"
#include "io.h"

#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_PAGE_FAULT 14
#define VECTOR_MACHINE_CHECK 18
#define RFLAGS_RESERVED 2

static uint64_t read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static void __attribute__((noreturn)) fatal(const struct cpu *cpu, const struct trap_frame *frame)
{
    console_begin();
    console_text("fatal: vCPU ");
    console_number(cpu->vcpu);
    console_text(" exception ");
    console_number(frame->vector);
    console_text(" at ");
    console_hex(frame->rip);
    console_end();
    console_begin();
    console_text("fatal: error code ");
    console_hex(frame->error_code);
    console_text(" cr2 ");
    console_hex(read_cr2());
    console_end();
    /* Ends the whole domain at once, the other vCPUs included: nobody has to wait for a time-out. */
    triple_fault();
}

static bool belongs_to_operation(const struct guard *guard, const struct trap_frame *frame)
{
    if (frame->vector == VECTOR_NMI || frame->vector == VECTOR_DOUBLE_FAULT || frame->vector == VECTOR_MACHINE_CHECK)
        return false;
    return guard->resume && frame->rip >= guard->first && frame->rip < guard->last;
}

void trap_handle(struct trap_frame *frame)
{
    struct trap_stack *stack = (struct trap_stack *)((uint64_t)frame & ~(uint64_t)(STACK_BYTES - 1));
    struct cpu *cpu = stack->owner;

    if (frame->vector >= TRAP_FIRST_INTERRUPT && interrupts_handle(cpu, frame))
        return;
    frame->gpr[RSP] = frame->rsp;
    if (!belongs_to_operation(&cpu->guard, frame))
        fatal(cpu, frame);

    cpu->end = rdtsc();
    cpu->fault = (struct fault){
        .happened = true,
        .vector = (uint8_t)frame->vector,
        .error_code = (uint32_t)frame->error_code,
        .rip = frame->rip,
        .cr2 = frame->vector == VECTOR_PAGE_FAULT ? read_cr2() : 0,
    };
    for (unsigned int i = 0; i < LIMIT_GPR; i++)
        cpu->registers.gpr[i] = frame->gpr[i];
    cpu->registers.rflags = frame->rflags;

    /* A raw operation may have loaded GS or set flags. */
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    frame->rip = cpu->guard.resume;
    frame->cs = SELECTOR_CODE64;
    frame->rsp = cpu->resume_rsp;
    frame->ss = SELECTOR_DATA;
    frame->rflags = RFLAGS_RESERVED;
    cpu->guard.resume = 0;
}
