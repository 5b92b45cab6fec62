#include "smp.h"

#include "boot_record.h"
#include "io.h"
#include "memory.h"
#include "processor.h"

/* Local APIC (SDM 3A, chapter 10). There is no ACPI table to count processors in: hvmloader would have made it. */
#define APIC_BASE 0xfee00000
#define APIC_SPURIOUS 0xf0
#define APIC_SPURIOUS_ENABLE 0x1ff
#define APIC_COMMAND 0x300
#define APIC_COMMAND_HIGH 0x310
#define COMMAND_PENDING 0x1000
#define COMMAND_INIT_OTHERS 0xc4500
#define COMMAND_STARTUP_OTHERS (0xc4600 | TRAMPOLINE_BASE >> 12)

/* A wait for a vCPU that may not exist; only before the guest gives up anyway. */
#define SETTLE_CYCLES 20000000

extern const char trampoline_start[], trampoline_end[];

static volatile uint32_t *apic(uint32_t offset) { return (volatile uint32_t *)(uint64_t)(APIC_BASE + offset); }

static void command(uint32_t value)
{
    *apic(APIC_COMMAND_HIGH) = 0;
    *apic(APIC_COMMAND) = value;
    while (*apic(APIC_COMMAND) & COMMAND_PENDING)
        pause();
}

void smp_start_others(void)
{
    memcpy((void *)TRAMPOLINE_BASE, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    *apic(APIC_SPURIOUS) = APIC_SPURIOUS_ENABLE;
    /*
     * The 10 ms and the second start-up that the manual asks for (SDM 3A, 8.4.4.1) are for processors behind a real bus:
     * Xen and QEMU deliver both in order. The second one costs nothing and helps where the first came too early.
     */
    command(COMMAND_INIT_OTHERS);
    command(COMMAND_STARTUP_OTHERS);
    command(COMMAND_STARTUP_OTHERS);
}

void smp_settle(void)
{
    while (rdtsc() - boot_record_last_join() < SETTLE_CYCLES)
        pause();
}
