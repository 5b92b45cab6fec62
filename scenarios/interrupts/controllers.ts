import type { ProgramBuilder } from 'ioreqlab/scenario';

const localApic = 0xfee0_0000;
const ioApic = 0xfec0_0000;

/** Vectors of the 8259s once they are set up: 0x20 to 0x27 the master's, 0x28 to 0x2f the slave's. */
export const picVector = (irq: number): number => 0x20 + irq;

/**
 * Sets the 8259s up as a PC's firmware does, with the interrupts of `enabled` unmasked, and lets vCPU 0's local APIC pass them
 * on (LVT0 as ExtINT).
 *
 * @param level interrupts that follow their line's level: bits of the ELCR
 */
export function usePic(program: ProgramBuilder, enabled: readonly number[], level: readonly number[] = []) {
  const mask = enabled.reduce((bits, irq) => bits & ~(1 << irq), 0xffff) & ~4;
  const levels = level.reduce((bits, irq) => bits | (1 << irq), 0);
  program.out(0x20, 1, 0x11).out(0x21, 1, 0x20).out(0x21, 1, 0x04).out(0x21, 1, 0x01);
  program.out(0xa0, 1, 0x11).out(0xa1, 1, 0x28).out(0xa1, 1, 0x02).out(0xa1, 1, 0x01);
  program.out(0x4d0, 1, levels & 0xff).out(0x4d1, 1, levels >> 8);
  program.out(0x21, 1, mask & 0xff).out(0xa1, 1, mask >> 8);
  return enableApic(program).store(localApic + 0x350, 4, enabled.length === 0 ? 0x1_0700 : 0x700);
}

/** All interrupts of the 8259s masked, and what they had in service ended. */
export function leavePic(program: ProgramBuilder): ProgramBuilder {
  return usePic(program, []);
}

/** Enables the local APIC of the vCPU that runs it, for vectors of every class. */
export function enableApic(program: ProgramBuilder): ProgramBuilder {
  return program.store(localApic + 0xf0, 4, 0x1ff).store(localApic + 0x80, 4, 0);
}

/** Takes what other scenarios have sent this guest and is still pending: it would come when nothing else does. */
export function takeLeftovers(program: ProgramBuilder): ProgramBuilder {
  return enableApic(program).interrupts({ timeoutCycles: 300_000, count: 32 });
}

/** Sets a pin of the I/O APIC: its vector to APIC id 0; masked when there is none. */
export function setPin(
  program: ProgramBuilder,
  pin: number,
  how: { readonly vector: number; readonly trigger: 'edge' | 'level' } | undefined,
): ProgramBuilder {
  const low = how === undefined ? 0x1_0000 : how.vector | (how.trigger === 'level' ? 0x8000 : 0);
  program.store(ioApic, 4, 0x11 + 2 * pin).store(ioApic + 0x10, 4, 0);
  return program.store(ioApic, 4, 0x10 + 2 * pin).store(ioApic + 0x10, 4, low);
}

/** Pin of INTx of a device on bus 0, as Xen has it: hvm_pci_intx_gsi of xen/arch/x86/include/asm/hvm/irq.h. */
export const pinOf = (device: number, intx = 0): number => 16 + ((device * 4 + (device >> 3) + intx) & 31);
