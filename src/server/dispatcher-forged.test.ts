import { expect, it, vi } from 'vitest';
import { ForgedDispatch } from './testing/forged-requests.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const requests = 200_000;

it(`${requests} forged requests throw nothing, stay inside the regions, and end soon`, () => {
  const forged = new ForgedDispatch(0x1234_5678);
  forged.run(requests);
  // All of them were of some use to the test.
  expect(forged.calls).toBeGreaterThan(10_000);
  const { undecoded, ...counters } = forged.counters;
  for (const [what, count] of Object.entries(counters)) expect(count, what).toBeGreaterThan(100);
  expect(undecoded).toBe(0);
  expect(forged.ram.mapped).toBeLessThanOrEqual(32);
});
