/**
 * For tests of runs: passes, in both environments, and has a tag.
 */
import { expect, scenario } from 'ioreqlab/scenario';

scenario('is tagged', { tags: ['chosen'] }, async ({ guest }) => {
  const seen = await guest.run((program) => program.in(0x5555, 1));
  expect(seen.results[0]?.value).toBe(0xff);
});
