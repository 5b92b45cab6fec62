/**
 * For tests of runs: would pass, but its turn never comes.
 */
import { scenario } from 'ioreqlab/scenario';

scenario('a guest works', { environments: ['pvh'] }, async ({ guest }) => {
  await guest.run((program) => program.in(0x5555, 1));
});
