// Runs the parts of the test suite one after the other and counts what they say.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { elapsed } from '../setup/progress.mjs';
import { lastLines } from './failures-of.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ name: string, command: string, words: string[], count?: (output: string) => Counts,
 *   failures?: (output: string) => string, isShown?: (line: string) => boolean }} Part
 */

/** A part that has no counts of its own is one check. @param {number} code @returns {Counts} */
const oneCheck = (code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });

/** What Vitest's last lines say. @param {string} output @returns {Counts} */
export function vitestCounts(output) {
  // eslint-disable-next-line no-control-regex
  const plain = output.replaceAll(/\u001b\[[0-9;]*m/g, '');
  const line = /^\s*Tests\s+(.*)$/m.exec(plain)?.[1] ?? '';
  const count = (/** @type {string} */ word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') + count('todo') };
}

/** @param {Part} part @returns {Promise<{ code: number, counts: Counts, failures: string }>} */
async function runPart({ name, command, words, count, failures = lastLines, isShown = () => true }) {
  const startedAt = performance.now();
  process.stdout.write(`\n==> ${name}\n`);
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    output += `${line}\n`;
    if (isShown(line)) process.stdout.write(`${line}\n`);
  });
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  const counts = count === undefined ? oneCheck(code) : count(output);
  // A part that fails without a failed test (a broken import, say) is a failure all the same.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  process.stdout.write(`${code === 0 ? '✔' : '✘'} ${name} (${elapsed(performance.now() - startedAt)})\n`);
  return { code, counts, failures: code === 0 && counts.failed === 0 ? '' : failures(output) };
}

/**
 * Runs all parts, whether or not one fails; prints what failed once more, `N passed, N failed, N skipped` last, and sets
 * the exit code.
 *
 * @param {Part[]} parts
 */
export async function runParts(parts) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  let failed = false;
  let report = '';
  for (const part of parts) {
    const { counts, failures } = await runPart(part);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    if (failures === '') continue;
    failed = true;
    report += `\n--- ${part.name}\n${failures}\n`;
  }
  if (failed) process.stdout.write(`\nWhat failed:\n${report}`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exitCode = failed || total.passed === 0 ? 1 : 0;
}
