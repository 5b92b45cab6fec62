#include "interrupts.h"

#include "io.h"

/* SDM 3A, 11.8.5; the specific registers of the 8259 are at its first port. */
#define APIC_END ((volatile uint32_t *)0xfee000b0)
#define PIC_MASTER 0x20
#define PIC_SLAVE 0xa0
#define PIC_END 0x20
#define RFLAGS_IF 0x200

bool interrupts_wait(struct cpu *cpu, const struct operation *operation, uint8_t *vectors)
{
    struct interrupts *interrupts = &cpu->interrupts;
    uint64_t start = rdtsc();

    *interrupts = (struct interrupts){
        .vectors = vectors,
        .wanted = operation->count,
        .port = (uint16_t)operation->b,
        .end = operation->inner,
    };
    while (interrupts->came < interrupts->wanted && rdtsc() - start < operation->a)
        /* The first NOP is in STI's shadow. PAUSE there would keep QEMU from looking between it and CLI. */
        __asm__ volatile("sti; nop; nop; cli; pause" : : : "memory");
    interrupts->vectors = 0;
    cpu->registers.gpr[RAX] = interrupts->came;
    return interrupts->came == interrupts->wanted;
}

bool interrupts_handle(struct cpu *cpu, struct trap_frame *frame)
{
    struct interrupts *interrupts = &cpu->interrupts;

    if (!interrupts->vectors)
        return false;
    interrupts->vectors[interrupts->came++] = (uint8_t)frame->vector;
    if (interrupts->port)
        out32(interrupts->port, (uint32_t)frame->vector);
    if (interrupts->end == END_APIC)
        *APIC_END = 0;
    if (interrupts->end == END_PIC) {
        out8(PIC_SLAVE, PIC_END);
        out8(PIC_MASTER, PIC_END);
    }
    /* The next one waits for the next operation. */
    if (interrupts->came == interrupts->wanted)
        frame->rflags &= ~(uint64_t)RFLAGS_IF;
    return true;
}
