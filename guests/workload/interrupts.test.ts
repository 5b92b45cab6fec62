import { describe, expect, it } from 'vitest';
import { ProgramBuilder } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const apic = 0xfee0_0000;
/** Interrupt command: to the sender itself. */
const toSelf = 0x4_0000;

/** The firmware has left the timer on, as an exception. */
const maskPic = (program: ProgramBuilder): ProgramBuilder => program.out(0x21, 1, 0xff).out(0xa1, 1, 0xff);

const send = (program: ProgramBuilder, command: number): ProgramBuilder => program.store(apic + 0x300, 4, command);

describe('interrupts in the workload guest', () => {
  it('come when they are let, highest vector first, and are counted', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ vcpus: 2 });
    await guest.run(maskPic);
    const seen = await guest.run((program) => {
      for (const vector of [0x51, 0x61, 0x51, 0xfe]) send(program, toSelf + vector);
      program.interrupts({ count: 2 }).interrupts({ count: 1 });
      // None is left.
      return program.interrupts({ count: 1, timeoutCycles: 1_000_000 }).cpuid(0);
    });
    expect(seen.slice(4, 7).map(({ value, bytes, timedOut }) => [value, [...(bytes ?? [])], timedOut])).toEqual([
      [2, [0xfe, 0x61], undefined],
      [1, [0x51], undefined],
      [0, [], true],
    ]);
  });

  it(
    'are told to nobody else when nobody is to be told: the next of that class waits',
    { timeout: 60_000 },
    async () => {
      await using guest = await TestGuest.start();
      await guest.run(maskPic);
      const seen = await guest.run((program) => {
        send(program, toSelf + 0x51).interrupts({ end: 'none' });
        send(program, toSelf + 0x52).interrupts({ timeoutCycles: 1_000_000 });
        return program.store(apic + 0xb0, 4, 0).interrupts();
      });
      const bytes = [1, 3, 5].map((i) => [...(seen[i]?.bytes ?? [])]);
      expect(bytes).toEqual([[0x51], [], [0x52]]);
    },
  );

  it('come from another vCPU while one waits', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ vcpus: 2 });
    await guest.run(maskPic);
    const target = guest.boot.apicIds.get(0) ?? 0;
    const waiting = new ProgramBuilder().barrier().interrupts({ count: 3, timeoutCycles: 20_000_000_000n });
    const sending = new ProgramBuilder().store(apic + 0x310, 4, target * 2 ** 24).barrier();
    for (const vector of [0x41, 0x42, 0x43]) send(sending, vector);
    const seen = await guest.runAll(
      new Map([
        [0, waiting.build()],
        [1, sending.build()],
      ]),
    );
    expect([...(seen.get(0)?.results[1]?.bytes ?? [])].sort()).toEqual([0x41, 0x42, 0x43]);
  });
});
