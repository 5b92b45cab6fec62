/*
 * The instruction of every operation, by opcode, size and REP flags. What is not in this table does not exist.
 */
#include "program_format.h"

    .macro instruction opcode, size, flags, text:vararg
    .section .instructions, "ax"
    .balign 32
1:  \text
    jmp execute_done
2:
    .section .instruction_table, "a"
    .quad 1b, 2b
    .byte \opcode, \size, \flags, 0, 0, 0, 0, 0
    .endm

    .macro string opcode, size, text:vararg
    instruction \opcode, \size, 0, \text
    instruction \opcode, \size, FLAG_REP, rep \text
    .endm

    .macro comparing opcode, size, text:vararg
    string \opcode, \size, \text
    instruction \opcode, \size, FLAG_REPNE, repne \text
    .endm

    instruction OP_IN, 1, 0, inb %dx, %al
    instruction OP_IN, 2, 0, inw %dx, %ax
    instruction OP_IN, 4, 0, inl %dx, %eax

    instruction OP_OUT, 1, 0, outb %al, %dx
    instruction OP_OUT, 2, 0, outw %ax, %dx
    instruction OP_OUT, 4, 0, outl %eax, %dx

    instruction OP_LOAD, 1, 0, movb (%rsi), %al
    instruction OP_LOAD, 2, 0, movw (%rsi), %ax
    instruction OP_LOAD, 4, 0, movl (%rsi), %eax
    instruction OP_LOAD, 8, 0, movq (%rsi), %rax

    instruction OP_STORE, 1, 0, movb %al, (%rdi)
    instruction OP_STORE, 2, 0, movw %ax, (%rdi)
    instruction OP_STORE, 4, 0, movl %eax, (%rdi)
    instruction OP_STORE, 8, 0, movq %rax, (%rdi)

    string OP_INS, 1, insb
    string OP_INS, 2, insw
    string OP_INS, 4, insl

    string OP_OUTS, 1, outsb
    string OP_OUTS, 2, outsw
    string OP_OUTS, 4, outsl

    string OP_MOVS, 1, movsb
    string OP_MOVS, 2, movsw
    string OP_MOVS, 4, movsl
    string OP_MOVS, 8, movsq

    string OP_STOS, 1, stosb
    string OP_STOS, 2, stosw
    string OP_STOS, 4, stosl
    string OP_STOS, 8, stosq

    string OP_LODS, 1, lodsb
    string OP_LODS, 2, lodsw
    string OP_LODS, 4, lodsl
    string OP_LODS, 8, lodsq

    comparing OP_SCAS, 1, scasb
    comparing OP_SCAS, 2, scasw
    comparing OP_SCAS, 4, scasl
    comparing OP_SCAS, 8, scasq

    comparing OP_CMPS, 1, cmpsb
    comparing OP_CMPS, 2, cmpsw
    comparing OP_CMPS, 4, cmpsl
    comparing OP_CMPS, 8, cmpsq

    instruction OP_CPUID, 0, 0, cpuid
    instruction OP_RDTSC, 0, 0, rdtsc
