// What of a part's output says why it failed: it is printed once more at the end, where a log that was cut still has it.

const most = 150;

/** @param {string} output */
const plainLines = (output) =>
  output
    // eslint-disable-next-line no-control-regex
    .replaceAll(/\u001b\[[0-9;]*m/g, '')
    .trimEnd()
    .split('\n');

/** @param {string[]} lines */
const cut = (lines) =>
  lines.length <= most ? lines : [...lines.slice(0, most), `... and ${lines.length - most} lines more`];

/** The last lines, where nothing better is known. @param {string} output */
export const lastLines = (output) => plainLines(output).slice(-40).join('\n');

/** Vitest's list of failures, which it prints after all tests. @param {string} output */
export function vitestFailures(output) {
  const lines = plainLines(output);
  const from = lines.findIndex((line) => /Failed (Tests|Suites) \d|Unhandled Errors?/.test(line));
  return from === -1 ? lastLines(output) : cut(lines.slice(from)).join('\n');
}

/** The results of `ioreqlab run --json` that are neither passed, known nor skipped. @param {string} output */
export function scenarioFailures(output) {
  const failed = plainLines(output).filter((line) => isFailure(line));
  return failed.length === 0 ? lastLines(output) : cut(failed.map((line) => line.slice(0, 2000))).join('\n');
}

/** Whether a line of `ioreqlab run --json` is worth a reader's time. @param {string} line */
export function isFailure(line) {
  try {
    const { type, verdict } = JSON.parse(line);
    return type === 'scenario' && !['pass', 'known', 'skip'].includes(verdict);
  } catch {
    return line.trim() !== '';
  }
}
