/*
 * From a loader's 32-bit protected mode to C in 64-bit mode: the first vCPU, and behind its trampoline every other one.
 */
#include "processor.h"
#include "program_format.h"

/* Xen's PVH entry point: note type 18, XEN_ELFNOTE_PHYS32_ENTRY (xen/include/public/elfnote.h). */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long pvh_start

    .section .text.boot, "ax"
    .code32

/* Start as hvmloader's replacement; start_info in EBX as for PVH. */
    .globl hvm_start
hvm_start:
    movl $ENVIRONMENT_HVM, %ebp
    jmp first_start

/* Start through the note. libxc prefers the note for HVM guests as well: see environment.c. */
    .globl pvh_start
pvh_start:
    movl $ENVIRONMENT_PVH, %ebp

first_start:
    cli
    cld
    rdtsc
    movl %eax, boot_entry_tsc
    movl %edx, boot_entry_tsc + 4
    movl %ebp, boot_entry_kind
    movl %ebx, boot_start_info

    /* Identity map of SMALL_MAP_GIB with 2 MiB pages; paging.c extends it. */
    movl $page_directories, %edi
    movl $(PTE_PRESENT | PTE_WRITE | PTE_LARGE), %eax
    xorl %edx, %edx
    movl $(SMALL_MAP_GIB * 512), %ecx
1:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    adcl $0, %edx
    decl %ecx
    jnz 1b

    movl $page_directory_pointers, %edi
    movl $(page_directories + PTE_PRESENT + PTE_WRITE), %eax
    movl $SMALL_MAP_GIB, %ecx
2:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $8, %edi
    addl $4096, %eax
    decl %ecx
    jnz 2b

    movl $(page_directory_pointers + PTE_PRESENT + PTE_WRITE), page_root
    /* falls through */

/* Every vCPU comes here in flat 32-bit mode, paging off. */
    .globl enter_long_mode
enter_long_mode:
    movl $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
    movl %eax, %cr4
    movl $page_root, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    /* INIT leaves the caches off (SDM 3A, table 9-1). */
    movl %cr0, %eax
    andl $~(CR0_CD | CR0_NW | CR0_EM), %eax
    orl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $SELECTOR_CODE64, $long_mode

    .code64
long_mode:
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs

    /* A ticket per vCPU gives it a stack; the first vCPU has ticket 0. */
    movl $1, %edi
    lock xaddl %edi, boot_tickets
    cmpl $MAX_VCPUS, %edi
    jae 3f
    movl %edi, %eax
    incl %eax
    imull $STACK_BYTES, %eax
    leaq boot_stacks(%rax), %rsp
    xorl %ebp, %ebp
    call vcpu_main
3:  cli
    hlt
    jmp 3b

/* Real-mode start of the other vCPUs, copied to TRAMPOLINE_BASE; CS is TRAMPOLINE_BASE >> 4. */
    .section .rodata.trampoline, "a"
    .code16
    .globl trampoline_start, trampoline_end
trampoline_start:
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_gdt - trampoline_start
    movl %cr0, %eax
    andl $~(CR0_CD | CR0_NW), %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $SELECTOR_CODE32, $trampoline32
    .balign 4
trampoline_gdt:
    .word SELECTOR_TSS - 1
    .long gdt
trampoline_end:

    .section .text.boot, "ax"
    .code32
trampoline32:
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    jmp enter_long_mode

    .section .data
    .balign 8
    .globl boot_entry_tsc, boot_entry_kind, boot_start_info, boot_tickets
boot_entry_tsc: .quad 0
boot_entry_kind: .long 0
boot_start_info: .long 0
boot_tickets: .long 0

    .section .bss
    .balign 4096
    .globl page_root, page_directory_pointers
page_root: .skip 4096
page_directory_pointers: .skip 4096
page_directories: .skip 4096 * SMALL_MAP_GIB
boot_stacks: .skip STACK_BYTES * MAX_VCPUS
