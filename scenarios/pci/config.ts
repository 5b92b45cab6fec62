import type { ProgramBuilder } from 'ioreqlab/scenario';

/** What port 0xcf8 is written with: bit 31, bus, device, function, and the dword that a register is in. */
export function configAddress(
  { bus = 0, device, fn = 0 }: { readonly bus?: number; readonly device: number; readonly fn?: number },
  register = 0,
): number {
  return 0x8000_0000 + bus * 0x1_0000 + device * 0x800 + fn * 0x100 + (register & 0xfc);
}

/** Reads a register as a driver does: its dword by the latch, its byte by the port. */
export function readConfig(program: ProgramBuilder, address: number, size: 1 | 2 | 4, offset = 0): ProgramBuilder {
  return program.out(0xcf8, 4, address).in(0xcfc + offset, size);
}
