/* Bits and selectors that assembly and C share. Intel SDM volume 3, chapters 2 and 3. */
#ifndef PROCESSOR_H
#define PROCESSOR_H

#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_EM 0x00000004
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_NW 0x20000000
#define CR0_CD 0x40000000
#define CR0_PG 0x80000000

#define CR4_PAE 0x00000020
#define CR4_OSFXSR 0x00000200
#define CR4_OSXMMEXCPT 0x00000400
#define CR4_OSXSAVE 0x00040000

#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101
#define EFER_LME 0x100

#define PTE_PRESENT 0x001
#define PTE_WRITE 0x002
#define PTE_LARGE 0x080

/* Selectors in descriptors.c's GDT. */
#define SELECTOR_CODE64 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE32 0x18
#define SELECTOR_TSS 0x20

/* Where the other vCPUs start, in real mode: SIPI vector 8 (SDM 3A, 9.4.4). */
#define TRAMPOLINE_BASE 0x8000

/* GiB that are mapped with 2 MiB pages, whatever the processor offers. */
#define SMALL_MAP_GIB 8

#define STACK_BYTES 8192

#endif
