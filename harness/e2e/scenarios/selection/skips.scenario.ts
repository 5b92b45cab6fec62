/**
 * For tests of runs: finds that it does not apply.
 */
import { scenario } from 'ioreqlab/scenario';

scenario('does not apply', { environments: ['pvh'] }, async ({ skip }) => {
  skip('not on a day like this');
});
