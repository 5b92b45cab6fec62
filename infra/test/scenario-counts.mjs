/**
 * What the last line of `ioreqlab run --json` says. Only a pass is a pass: a known difference is counted with them, a skip
 * with the skipped, and all else with the failed.
 *
 * @param {string} output
 */
export function scenarioCounts(output) {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  try {
    const { type, counts } = JSON.parse(last);
    if (type !== 'summary') throw new Error('no summary');
    const { pass, known, skip, ...others } = /** @type {Record<string, number>} */ (counts);
    const failed = Object.values(others).reduce((sum, count) => sum + count, 0);
    return { passed: (pass ?? 0) + (known ?? 0), failed, skipped: skip ?? 0 };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
