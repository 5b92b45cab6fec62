// npm test: everything. First what needs no Xen, then end to end on emulated hosts, then the scenarios themselves on every
// version of Xen.

import { isFailure, scenarioFailures, vitestFailures } from './failures-of.mjs';
import { runParts, vitestCounts } from './run-step.mjs';
import { scenarioCounts } from './scenario-counts.mjs';

const node = process.execPath;
const vitest = (/** @type {string} */ project) => ({
  name: `tests: ${project}`,
  command: node,
  words: ['node_modules/vitest/vitest.mjs', 'run', '--project', project],
  count: vitestCounts,
  failures: vitestFailures,
});

await runParts([
  vitest('unit'),
  vitest('e2e'),
  {
    name: 'scenarios on Xen 4.14, 4.17 and 4.20',
    command: node,
    words: ['harness/cli/bin.mjs', 'run', '--xen', '4.14,4.17,4.20', '--json'],
    count: scenarioCounts,
    failures: scenarioFailures,
    isShown: isFailure,
  },
]);
