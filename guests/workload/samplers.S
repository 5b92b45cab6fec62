/*
 * The measured loops: one per operation and size, each aligned alike. One turn: stamp, registers, the instruction, stamp,
 * the difference saturated to 32 bits and stored at the end of the sample, after the low half of the first stamp at its
 * start: a sample of 4 bytes keeps only the difference. Warm-up is the same loop with a stride of 0: the difference goes in
 * front.
 *
 *   R10 RAX before the instruction    R12 where the next sample goes
 *   R11 RDX and RCX before it         R13 bytes to the next one
 *   RSI RDI memory address            R14 turns left
 *                                     R15 the largest sample, 0xffffffff
 */
#include "cpu_offsets.h"
#include "program_format.h"

    .macro sampler opcode, size, text:vararg
    .section .samplers, "ax"
    .balign 128
1:  lfence
    rdtsc
    lfence
    movl %eax, %r8d
    movl %edx, %r9d
    movq %r10, %rax
    movq %r11, %rdx
    movq %r11, %rcx
    \text
    lfence
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    shlq $32, %r9
    orq %r9, %r8
    subq %r8, %rax
    cmpq %r15, %rax
    cmovaq %r15, %rax
    movl %r8d, (%r12)
    movl %eax, -4(%r12, %r13)
    addq %r13, %r12
    decq %r14
    jnz 1b
    jmp sampler_done
2:
    .section .sampler_table, "a"
    .quad 1b, 2b
    .byte \opcode, \size, 0, 0, 0, 0, 0, 0
    .endm

    sampler OP_RDTSC, 0
    sampler OP_CPUID, 0, cpuid
    sampler OP_IN, 1, inb %dx, %al
    sampler OP_IN, 2, inw %dx, %ax
    sampler OP_IN, 4, inl %dx, %eax
    sampler OP_OUT, 1, outb %al, %dx
    sampler OP_OUT, 2, outw %ax, %dx
    sampler OP_OUT, 4, outl %eax, %dx
    sampler OP_LOAD, 1, movb (%rsi), %al
    sampler OP_LOAD, 2, movw (%rsi), %ax
    sampler OP_LOAD, 4, movl (%rsi), %eax
    sampler OP_LOAD, 8, movq (%rsi), %rax
    sampler OP_STORE, 1, movb %al, (%rdi)
    sampler OP_STORE, 2, movw %ax, (%rdi)
    sampler OP_STORE, 4, movl %eax, (%rdi)
    sampler OP_STORE, 8, movq %rax, (%rdi)

    .text
/* uint64_t sampler_run(const struct sampler_input *input): turns that were not made because of a fault. */
    .globl sampler_run
sampler_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %gs:CPU_RESUME_RSP
    movq 8(%rdi), %r10
    movq 16(%rdi), %r11
    movq 24(%rdi), %rsi
    movq 32(%rdi), %r12
    movq 40(%rdi), %r13
    movq 48(%rdi), %r14
    movl $0xffffffff, %r15d
    movq (%rdi), %rax
    movq %rsi, %rdi
    jmp *%rax

sampler_done:
    xorl %eax, %eax
    jmp 3f
/* trap_handle resumes here: the turns left are in the registers that it stored. */
    .globl sampler_faulted
sampler_faulted:
    movq %gs:CPU_GPR + 8 * 14, %rax
3:  popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
