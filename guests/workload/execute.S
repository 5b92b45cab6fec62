/*
 * Executes one instruction with the registers of struct cpu and stores them afterwards, with a time stamp on each side.
 * Between the stamps: four moves, two jumps, the instruction.
 */
#include "cpu_offsets.h"

    .text

    .macro load number, register
    movq %gs:CPU_GPR + 8 * \number, \register
    .endm
    .macro store number, register
    movq \register, %gs:CPU_GPR + 8 * \number
    .endm

/* void execute(void): cpu->code is the instruction's address; what follows it there jumps to execute_done. */
    .globl execute
    .balign 64
execute:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %gs:CPU_RESUME_RSP
    /* RSP 0 asks for the stack that we have. */
    cmpq $0, %gs:CPU_GPR + 8 * RSP
    jne 1f
    store RSP, %rsp
1:
    pushq %gs:CPU_RFLAGS
    popfq
    load RCX, %rcx
    load RBX, %rbx
    load RBP, %rbp
    load RSI, %rsi
    load RDI, %rdi
    load 8, %r8
    load 9, %r9
    load 10, %r10
    load 11, %r11
    load 12, %r12
    load 13, %r13
    load 14, %r14
    load 15, %r15
    load RSP, %rsp
    lfence
    rdtsc
    movl %eax, %gs:CPU_START
    movl %edx, %gs:CPU_START + 4
    load RAX, %rax
    load RDX, %rdx
    jmp *%gs:CPU_CODE

    .globl execute_done
    .balign 64
execute_done:
    store RAX, %rax
    store RDX, %rdx
    lfence
    rdtsc
    movl %eax, %gs:CPU_END
    movl %edx, %gs:CPU_END + 4
    store RCX, %rcx
    store RBX, %rbx
    store RSP, %rsp
    store RBP, %rbp
    store RSI, %rsi
    store RDI, %rdi
    store 8, %r8
    store 9, %r9
    store 10, %r10
    store 11, %r11
    store 12, %r12
    store 13, %r13
    store 14, %r14
    store 15, %r15
    movq %gs:CPU_RESUME_RSP, %rsp
    pushfq
    popq %gs:CPU_RFLAGS

/* trap_handle resumes here after a fault, having stored registers and stamp itself. */
    .globl execute_faulted
execute_faulted:
    cld
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
