#include "descriptors.h"

#include "traps.h"

struct pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* Interrupt gate of 64-bit mode (SDM 3A, figure 6-8). */
struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

#define GATE_INTERRUPT 0x8e
#define TYPE_TSS 0x89
#define IST_TRAP 1
#define IST_DOUBLE_FAULT 2
#define VECTOR_DOUBLE_FAULT 8

#define GDT_ENTRIES (SELECTOR_TSS / 8 + 2 * MAX_VCPUS)

/* Flat segments; the trampoline and the way into long mode use it before any C runs. */
uint64_t gdt[GDT_ENTRIES] = {
    [SELECTOR_CODE64 / 8] = 0x00af9b000000ffff,
    [SELECTOR_DATA / 8] = 0x00cf93000000ffff,
    [SELECTOR_CODE32 / 8] = 0x00cf9b000000ffff,
};

const struct pointer gdt_pointer = { sizeof(gdt) - 1, (uint64_t)gdt };

static struct gate idt[TRAP_VECTORS];

static void fill_idt(void)
{
    for (unsigned int vector = 0; vector < TRAP_VECTORS; vector++) {
        uint64_t entry = trap_entries[vector];

        idt[vector] = (struct gate){
            .offset_low = (uint16_t)entry,
            .selector = SELECTOR_CODE64,
            .ist = vector == VECTOR_DOUBLE_FAULT ? IST_DOUBLE_FAULT : IST_TRAP,
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
}

void descriptors_load(struct cpu *cpu, uint32_t ticket)
{
    const struct pointer idt_pointer = { sizeof(idt) - 1, (uint64_t)idt };
    uint64_t base = (uint64_t)&cpu->tss;
    uint32_t entry = SELECTOR_TSS / 8 + 2 * ticket;

    if (ticket == 0)
        fill_idt();

    cpu->tss.ist[IST_TRAP - 1] = (uint64_t)(&cpu->trap_stack + 1);
    cpu->tss.ist[IST_DOUBLE_FAULT - 1] = (uint64_t)(&cpu->double_fault_stack + 1);
    cpu->tss.io_map = sizeof(cpu->tss);

    gdt[entry] = (sizeof(cpu->tss) - 1) | (base & 0xffffff) << 16 | (uint64_t)TYPE_TSS << 40 | (base >> 24 & 0xff) << 56;
    gdt[entry + 1] = base >> 32;

    __asm__ volatile("lidt %0" : : "m"(idt_pointer));
    __asm__ volatile("ltr %w0" : : "r"(entry * 8));
}
