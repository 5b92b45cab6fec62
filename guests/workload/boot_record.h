/* What the host can learn about the guest before it runs anything. */
#ifndef BOOT_RECORD_H
#define BOOT_RECORD_H

#include <stdbool.h>

#include "cpu.h"

/* Enters the calling vCPU, which may have been there before it was reset; false when its number is too large. */
bool boot_record_join(const struct cpu *cpu);

/* How many vCPUs are up, and when (TSC) the last one came. */
uint32_t boot_record_online(void);
uint64_t boot_record_last_join(void);

#endif
