#include "cpu.h"

#include "descriptors.h"
#include "environment.h"
#include "io.h"
#include "vectors.h"

_Static_assert(offsetof(struct cpu, self) == CPU_SELF, "self");
_Static_assert(offsetof(struct cpu, resume_rsp) == CPU_RESUME_RSP, "resume_rsp");
_Static_assert(offsetof(struct cpu, code) == CPU_CODE, "code");
_Static_assert(offsetof(struct cpu, start) == CPU_START, "start");
_Static_assert(offsetof(struct cpu, end) == CPU_END, "end");
_Static_assert(offsetof(struct cpu, registers.rflags) == CPU_RFLAGS, "rflags");
_Static_assert(offsetof(struct cpu, registers.gpr) == CPU_GPR, "gpr");

static struct cpu cpus[MAX_VCPUS];

struct cpu *cpu_init(uint32_t ticket)
{
    struct cpu *cpu = &cpus[ticket];

    cpu->self = cpu;
    cpu->trap_stack.owner = cpu->double_fault_stack.owner = cpu;
    descriptors_load(cpu, ticket);
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    vectors_enable();
    cpu->apic_id = cpuid(1, 0).ebx >> 24;
    cpu->vcpu = environment_vcpu(cpu->apic_id);
    return cpu;
}
