import { parseArgs } from 'node:util';
import { isLabError } from '../errors.ts';
import { measure } from './measure.ts';
import { goals, modes, summarize, toJson, toText } from './summary.ts';

const help = `npm run bench -- [--rounds N] [--requests N] [--json] [--check]

Times round trips of the TypeScript server against the C server, on any machine: one shared page and two eventfds
in place of Xen, everything else as in dom0 (addon, watchdog, trace, worker, dispatch).

  --rounds N    of each server, in each mode, in turn (60)
  --requests N  in each round (3000)
  --json        nothing but the ratios, on stdout
  --check       exit 1 when a ratio is above its goal (${modes.map((mode) => `${mode} ${goals[mode]}`).join(', ')})
`;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1_000_000) return value;
  throw new TypeError(`--${name} ${text}: expected a whole number from 1 to 1000000`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '60' },
      requests: { type: 'string', default: '3000' },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const rounds = wholeNumber('rounds', values.rounds);
  const requests = wholeNumber('requests', values.requests);
  const summary = summarize(await measure({ rounds, requests }));
  const text = `${toText(summary)}\n${rounds} rounds of ${requests} requests for each server in each mode\n`;
  if (values.json) {
    process.stdout.write(`${toJson(summary)}\n`);
    process.stderr.write(text);
  } else process.stdout.write(text);
  return values.check && modes.some((mode) => summary.modes[mode].tsOverC > goals[mode]) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!isLabError(error) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  if (isLabError(error) && error.evidence !== undefined) process.stderr.write(`${error.evidence.trimEnd()}\n`);
  process.stderr.write(`  next: ${(isLabError(error) ? error.next : undefined) ?? 'npm run bench -- --help'}\n`);
  process.exitCode = 2;
}
