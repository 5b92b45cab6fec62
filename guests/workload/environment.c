#include "environment.h"

#include "io.h"
#include "program_format.h"

#define XEN_LEAF 0x40000000
#define XEN_LEAVES_STEP 0x100
#define XEN_LEAVES_END 0x40010000
/* xen/include/public/arch-x86/cpuid.h */
#define XEN_SIGNATURE_EBX 0x566e6558
#define XEN_SIGNATURE_ECX 0x65584d4d
#define XEN_SIGNATURE_EDX 0x4d4d566e
#define XEN_LEAF_HVM 4
#define XEN_HVM_VCPU_ID_PRESENT 0x8

/* xen/include/public/arch-x86/hvm/start_info.h */
#define START_INFO_MAGIC 0x336ec578
struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
};

extern uint32_t boot_entry_kind, boot_start_info;

static uint32_t xen_leaf;
static uint32_t kind;

static uint32_t find_xen(void)
{
    for (uint32_t leaf = XEN_LEAF; leaf < XEN_LEAVES_END; leaf += XEN_LEAVES_STEP) {
        struct cpuid_result r = cpuid(leaf, 0);

        if (r.ebx == XEN_SIGNATURE_EBX && r.ecx == XEN_SIGNATURE_ECX && r.edx == XEN_SIGNATURE_EDX)
            return leaf;
    }
    return 0;
}

/*
 * libxc enters an ELF that carries Xen's notes by its PVH entry point, also when it stands in for hvmloader. What tells
 * the two apart without touching a device: libxl builds ACPI tables for PVH guests, for HVM guests hvmloader would.
 */
static uint32_t find_kind(void)
{
    const struct start_info *info = (const struct start_info *)(uint64_t)boot_start_info;

    if (boot_entry_kind == ENVIRONMENT_HVM || !xen_leaf || !info || info->magic != START_INFO_MAGIC)
        return boot_entry_kind;
    return info->rsdp ? ENVIRONMENT_PVH : ENVIRONMENT_HVM;
}

void environment_init(void)
{
    xen_leaf = find_xen();
    kind = find_kind();
}

uint32_t environment_kind(void) { return kind; }

uint32_t environment_xen_version(void) { return xen_leaf ? cpuid(xen_leaf + 1, 0).eax : 0; }

uint32_t environment_vcpu(uint32_t apic_id)
{
    struct cpuid_result r;

    if (!xen_leaf)
        return apic_id;
    r = cpuid(xen_leaf + XEN_LEAF_HVM, 0);
    /* Xen's own rule otherwise: the local APIC's id is twice the vCPU's number. */
    return r.eax & XEN_HVM_VCPU_ID_PRESENT ? r.ebx : apic_id / 2;
}
