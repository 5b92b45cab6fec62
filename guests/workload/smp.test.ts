import { describe, expect, it } from 'vitest';
import { ProgramBuilder, SCRATCH } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const counter = SCRATCH.start;
/** lock inc qword [rdi] */
const increment = Uint8Array.of(0xf0, 0x48, 0xff, 0x07);

describe('a guest with several vCPUs', () => {
  it('brings all of them up, runs them at once, and lets them meet', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ vcpus: 8 });
    expect(guest.boot.vcpus).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...guest.boot.apicIds.values()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);

    const rounds = 20;
    const builder = new ProgramBuilder();
    for (let round = 0; round < rounds; round++)
      builder
        .raw(increment, { registers: { rdi: counter } })
        .barrier()
        .load(counter, 8)
        .barrier();
    const program = builder.build();
    const seen = await guest.runAll(new Map(guest.boot.vcpus.map((vcpu) => [vcpu, program])));
    for (const { results } of seen.values()) {
      const loads = results.filter(({ op }) => op === 'load').map(({ rax }) => Number(rax));
      expect(loads).toEqual(Array.from({ length: rounds }, (_, round) => 8 * (round + 1)));
      expect(results.every(({ timedOut, fault }) => timedOut === undefined && fault === undefined)).toBe(true);
    }
  });

  it('runs different programs, faults included, on vCPUs of one choice', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ vcpus: 3 });
    const timeoutCycles = 100_000_000;
    const seen = await guest.runAll(
      new Map([
        [
          1,
          new ProgramBuilder()
            .load(1n << 63n, 1)
            .barrier()
            .store(counter, 8, 11)
            .barrier()
            .build(),
        ],
        [2, new ProgramBuilder().barrier().barrier().load(counter, 8).barrier({ timeoutCycles }).rdtsc().build()],
      ]),
    );
    expect(seen.get(1)?.results[0]?.fault?.name).toBe('#GP');
    expect(seen.get(2)?.results[2]?.value).toBe(11);
    expect(seen.get(2)?.results[3]?.timedOut).toBe(true);
    expect(seen.get(2)?.results[4]?.fault).toBeUndefined();

    /* What was left waiting does not disturb the next run. */
    const again = new ProgramBuilder().barrier().build();
    const next = await guest.runAll(new Map([1, 2].map((vcpu) => [vcpu, again])));
    expect([...next.values()].map(({ results }) => results[0]?.timedOut)).toEqual([undefined, undefined]);
  });
});
