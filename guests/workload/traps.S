/* Entry points of exceptions and interrupts: TRAP_VECTORS of traps.h. */
    .text

/* The processor pushes an error code for these vectors only (SDM 3A, table 6-1). */
#define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

#define VECTORS 256

    .altmacro
    .macro trap_entry vector
    .balign 16
trap_entry_\vector:
    .if !HAS_ERROR_CODE(\vector)
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .endm

    .set vector, 0
    .rept VECTORS
    trap_entry %vector
    .set vector, vector + 1
    .endr

trap_common:
    /* struct trap_frame: gpr[0] lies lowest. RSP's place is filled in from the frame by trap_handle. */
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rdi
    pushq %rsi
    pushq %rbp
    pushq $0
    pushq %rbx
    pushq %rdx
    pushq %rcx
    pushq %rax
    cld
    movq %rsp, %rdi
    call trap_handle
    popq %rax
    popq %rcx
    popq %rdx
    popq %rbx
    addq $8, %rsp
    popq %rbp
    popq %rsi
    popq %rdi
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $16, %rsp
    iretq

    .section .rodata
    .balign 8
    .globl trap_entries
    .macro trap_address vector
    .quad trap_entry_\vector
    .endm
trap_entries:
    .set vector, 0
    .rept VECTORS
    trap_address %vector
    .set vector, vector + 1
    .endr
