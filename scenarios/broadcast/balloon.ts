import type { ProgramBuilder } from 'ioreqlab/scenario';

/** XENMEM_* of xen/include/public/memory.h. */
const memoryOperation = { decreaseReservation: 1, populatePhysmap: 6 } as const;
const memoryOp = 12n; // __HYPERVISOR_memory_op
const domidSelf = 0x7ff0;

/** VMMCALL of AMD, VMCALL of Intel: only the processor's own is a hypercall. */
export function hypercallCode(vendor: string): Uint8Array {
  return vendor === 'AuthenticAMD' ? Uint8Array.of(0x0f, 0x01, 0xd9) : Uint8Array.of(0x0f, 0x01, 0xc1);
}

/** What CPUID leaf 0 says. */
export function vendorOf({ rbx, rdx, rcx }: { rbx: bigint; rdx: bigint; rcx: bigint }): string {
  const bytes = Buffer.alloc(12);
  [rbx, rdx, rcx].forEach((register, i) => bytes.writeUInt32LE(Number(register & 0xffff_ffffn), 4 * i));
  return bytes.toString('latin1');
}

/**
 * A hypercall of the guest that gives frames of its own memory back to Xen, or asks for memory at them. Its result is how
 * many were done, in RAX.
 *
 * @param at 4 KiB of scratch memory for its arguments
 */
export function changeReservation(
  program: ProgramBuilder,
  what: keyof typeof memoryOperation,
  gfns: readonly number[],
  { at, code }: { readonly at: bigint; readonly code: Uint8Array },
): ProgramBuilder {
  const bytes = new DataView(new ArrayBuffer(0x40 + 8 * gfns.length));
  bytes.setBigUint64(0, at + 0x40n, true);
  bytes.setBigUint64(8, BigInt(gfns.length), true);
  bytes.setUint16(24, domidSelf, true);
  gfns.forEach((gfn, i) => bytes.setBigUint64(0x40 + 8 * i, BigInt(gfn), true));
  const registers = { rax: memoryOp, rdi: BigInt(memoryOperation[what]), rsi: at };
  return program.write(at, new Uint8Array(bytes.buffer)).raw(code, { registers });
}
