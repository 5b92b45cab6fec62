/* Where the guest runs. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdint.h>

/* Looks for Xen's CPUID leaves and the way of start; once, by the first vCPU. */
void environment_init(void);

/* ENVIRONMENT_*. */
uint32_t environment_kind(void);

/* Xen's version, major << 16 | minor, or 0 when this is not Xen. */
uint32_t environment_xen_version(void);

/* Number of the calling vCPU. */
uint32_t environment_vcpu(uint32_t apic_id);

#endif
