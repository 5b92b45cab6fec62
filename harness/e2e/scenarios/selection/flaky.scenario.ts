/**
 * For tests of runs: fails when it is tried for the first time.
 */
import { expect, scenario } from 'ioreqlab/scenario';

let attempts = 0;

scenario('fails at first', { environments: ['pvh'] }, async ({ guest }) => {
  const seen = await guest.run((program) => program.in(0x5555, 1));
  expect(seen.results[0]?.value).toBe(++attempts === 1 ? 0x12 : 0xff);
});
