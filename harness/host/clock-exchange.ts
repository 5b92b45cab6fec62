import { ProgramBuilder, type Program, type ProgramResults } from '../../guests/program/index.ts';
import { LabError } from '../../src/errors.ts';

/** How far dom0's TSC is ahead of a guest's. */
export interface ClockOffset {
  /** The middle of what it may be, in cycles. */
  readonly cycles: number;
  /** How far off that can be to either side. */
  readonly uncertainty: number;
}

/** More turns than a host needs that is slow to come: seconds. */
const turns = 100_000_000n;
/** RFLAGS and the like need no setting; no distance is larger. */
const noDistance = 0x7fff_ffff_ffff_ffffn;

/**
 * The guest's side of src/native/clock.h: shows the guest's TSC at [RDI] and notes in R8 the smallest distance to it from
 * dom0's, which it reads at [RDI + 64], until [RDI + 128] is set or RCX turns are over.
 */
const code = Uint8Array.from([
  ...[0x0f, 0x31], // 1: rdtsc
  ...[0x48, 0xc1, 0xe2, 0x20], // shl rdx, 32
  ...[0x48, 0x09, 0xd0], // or rax, rdx
  ...[0x48, 0x89, 0x07], // mov [rdi], rax
  ...[0x48, 0x8b, 0x5f, 0x40], // mov rbx, [rdi + 64]
  ...[0x0f, 0xae, 0xe8], // lfence
  ...[0x0f, 0x31], // rdtsc
  ...[0x48, 0xc1, 0xe2, 0x20], // shl rdx, 32
  ...[0x48, 0x09, 0xd0], // or rax, rdx
  ...[0x48, 0x29, 0xd8], // sub rax, rbx
  ...[0x48, 0x85, 0xdb], // test rbx, rbx
  ...[0x74, 0x07], // jz 2f: dom0 has not shown anything yet
  ...[0x4c, 0x39, 0xc0], // cmp rax, r8
  ...[0x4c, 0x0f, 0x4c, 0xc0], // cmovl r8, rax
  ...[0xf3, 0x90], // 2: pause
  ...[0x80, 0xbf, 0x80, 0x00, 0x00, 0x00, 0x00], // cmp byte [rdi + 128], 0
  ...[0x75, 0x05], // jne 3f
  ...[0x48, 0xff, 0xc9], // dec rcx
  ...[0x75, 0xc5], // jnz 1b; 3:
]);

/** The guest's program for an exchange in a page of its memory. */
export function clockProgram(page: number): Program {
  const registers = { rdi: BigInt(page), rcx: turns, r8: noDistance };
  return new ProgramBuilder().raw(code, { registers }).build();
}

/**
 * What both sides have seen.
 *
 * @param atMost the smallest distance that dom0 saw from the guest's clock to its own
 * @throws LabError `CLOCK_NOT_SHOWN`
 */
export function offsetOf({ results }: ProgramResults, atMost: number): ClockOffset {
  const distance = results[0]?.registers?.gpr.r8;
  if (distance === undefined || distance === noDistance) {
    throw new LabError('the guest has not seen the clock of dom0', { blame: 'deviceModel', code: 'CLOCK_NOT_SHOWN' });
  }
  const atLeast = -Number(BigInt.asIntN(64, distance));
  if (atLeast > atMost) {
    throw new LabError(`the clocks of guest and dom0 run apart: ${atLeast} at least, ${atMost} at most`, {
      blame: 'host',
      code: 'CLOCK_UNSTEADY',
    });
  }
  return { cycles: (atLeast + atMost) / 2, uncertainty: (atMost - atLeast) / 2 };
}
