/**
 * For tests of runs: expects what is not so.
 */
import { expect, scenario } from 'ioreqlab/scenario';

scenario('an expectation that fails', { environments: ['pvh'] }, async ({ guest }) => {
  const seen = await guest.run((program) => program.in(0x5555, 1));
  expect(seen.results.map(({ value }) => value)).toEqual([0x12]);
});
