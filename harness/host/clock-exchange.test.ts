import { expect, it } from 'vitest';
import { SCRATCH, type OperationResult, type ProgramResults } from '../../guests/program/index.ts';
import { TestGuest } from '../../guests/testing/test-guest.ts';
import { clockProgram, offsetOf } from './clock-exchange.ts';

const page = Number(SCRATCH.start);

it('the guest shows its clock, and how far that of dom0 is from it at least', { timeout: 60_000 }, async () => {
  await using guest = await TestGuest.start({ arguments: ['-icount', 'shift=0,sleep=off'] });
  /** What dom0 shows, and that it was enough: one turn. */
  const run = async (shown: bigint): Promise<readonly OperationResult[]> => {
    const host = new DataView(new ArrayBuffer(72));
    host.setBigUint64(0, shown, true);
    host.setBigUint64(64, 1n, true);
    return await guest.run((program) => {
      program.write(page + 64, new Uint8Array(host.buffer));
      for (const operation of clockProgram(page).operations) program.add(operation);
      return program.load(page, 8).rdtsc();
    });
  };
  const [, exchange, shown, after] = await run(1_000n);
  const own = shown?.rax ?? 0n;
  expect(own).toBeGreaterThan(0n);
  expect(own).toBeLessThan(((after?.rdx ?? 0n) << 32n) | (after?.rax ?? 0n));
  const distance = exchange?.registers?.gpr.r8 ?? 0n;
  // From the first RDTSC of the turn to the second.
  expect(distance).toBe(own - 1_000n + 6n);
  const [, missed] = await run(0n);
  expect(missed?.registers?.gpr.r8).toBe(0x7fff_ffff_ffff_ffffn);
});

const resultsOf = (r8: bigint): ProgramResults =>
  ({ results: [{ registers: { gpr: { r8: BigInt.asUintN(64, r8) } } }] }) as unknown as ProgramResults;

it('what both sides have seen is an offset and how far off it can be', () => {
  expect(offsetOf(resultsOf(-5_000n), 5_040)).toEqual({ cycles: 5_020, uncertainty: 20 });
  expect(() => offsetOf(resultsOf(-5_000n), 4_990)).toThrow('the clocks of guest and dom0 run apart');
  expect(() => offsetOf(resultsOf(0x7fff_ffff_ffff_ffffn), 5_040)).toThrow('the guest has not seen the clock of dom0');
});
