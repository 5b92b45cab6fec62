// npm test: everything. First what needs no Xen, then end to end on emulated hosts, then the scenarios themselves on every
// version of Xen.

import { readdirSync } from 'node:fs';
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

const catalogue = new URL('../../scenarios/', import.meta.url);
const topics = readdirSync(catalogue, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));
const scenarios = (/** @type {string} */ xen, /** @type {string[]} */ words) => ({
  name: `scenarios on Xen ${xen.replace(',', ' and ')}`,
  command: node,
  words: ['harness/cli/bin.mjs', 'run', ...words, '--xen', xen, '--json'],
  count: scenarioCounts,
  failures: scenarioFailures,
  isShown: isFailure,
});

await runParts([
  vitest('unit'),
  vitest('e2e'),
  scenarios('4.20', []),
  // What is timed takes as long as all else: of older versions only the ladder, the rest is `ioreqlab run performance`.
  scenarios('4.14,4.17', [...topics.filter((topic) => topic !== 'performance'), 'performance/ladder']),
]);
