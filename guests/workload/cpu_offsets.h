/* Offsets in struct cpu that assembly uses; cpu.c checks them. */
#ifndef CPU_OFFSETS_H
#define CPU_OFFSETS_H

#define CPU_SELF 0x00
#define CPU_RESUME_RSP 0x08
#define CPU_CODE 0x10
#define CPU_START 0x18
#define CPU_END 0x20
#define CPU_RFLAGS 0x28
#define CPU_GPR 0x30

/* The processor's register numbers (SDM 2A, table 2-2 with REX). */
#define RAX 0
#define RCX 1
#define RDX 2
#define RBX 3
#define RSP 4
#define RBP 5
#define RSI 6
#define RDI 7

#endif
