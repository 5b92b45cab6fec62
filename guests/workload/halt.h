/* Ways to stop. */
#ifndef HALT_H
#define HALT_H

/* Stops this vCPU. Xen powers the domain off when the last one halts with interrupts off (hvm_vcpu_down). */
void halt(void) __attribute__((noreturn));

/* Resets the domain: an exception with no handler to call (SDM 3A, 6.15, interrupt 8). */
void triple_fault(void) __attribute__((noreturn));

#endif
