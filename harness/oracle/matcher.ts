import { expect } from 'vitest';
import type { ProgramResults } from '../../guests/program/index.ts';
import { formatComparisons } from '../../src/model/oracle/describe.ts';
import type { OracleWatch } from './oracle-watch.ts';

/** Whose results they are. */
const watches = new WeakMap<ProgramResults, OracleWatch>();

/** Lets results of a run be given to `toMatchOracle`. */
export function watchResults(watch: OracleWatch, results: readonly ProgramResults[]): void {
  for (const one of results) watches.set(one, watch);
}

function watchOf(received: unknown): OracleWatch | undefined {
  const one: unknown = Array.isArray(received) ? received[0] : received;
  return typeof one === 'object' && one !== null ? watches.get(one as ProgramResults) : undefined;
}

declare module 'vitest' {
  // eslint-disable-next-line typescript/no-explicit-any -- as Vitest declares it
  interface Matchers<T = any> {
    /**
     * Given the results of a run: everything that the guest ran so far made exactly the requests that Xen makes of it, in
     * each server's trace, and left in the guest what follows from the answers. The oracle knows Xen's version.
     */
    toMatchOracle(): Promise<T>;
  }
}

expect.extend({
  async toMatchOracle(received: unknown) {
    const watch = watchOf(received);
    if (watch === undefined) throw new TypeError('toMatchOracle: expected what guest.run or guest.runAll returned');
    const comparisons = await watch.check();
    const text = formatComparisons(comparisons);
    const more = text === '' ? '' : await watch.explain(comparisons);
    return {
      pass: text === '',
      message: () =>
        text === ''
          ? 'the traces are what the oracle expects'
          : `the traces are not what Xen should make of the programs\n\n${text}\n\n${more}`,
    };
  },
});
