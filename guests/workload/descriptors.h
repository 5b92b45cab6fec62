/* GDT, IDT and TSS. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "cpu.h"

/* Loads the shared GDT and IDT, and the vCPU's own TSS. */
void descriptors_load(struct cpu *cpu, uint32_t ticket);

#endif
