/* Every vCPU's way from its stack to its control loop. */
#include "boot_record.h"
#include "control.h"
#include "cpu.h"
#include "environment.h"
#include "halt.h"
#include "paging.h"
#include "smp.h"

void vcpu_main(uint32_t ticket) __attribute__((noreturn));

void vcpu_main(uint32_t ticket)
{
    struct cpu *cpu;

    if (ticket == 0) {
        paging_extend();
        environment_init();
    }
    cpu = cpu_init(ticket);
    if (!boot_record_join(cpu))
        halt();
    if (ticket == 0)
        smp_start_others();
    control_loop(cpu);
}
