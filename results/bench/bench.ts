import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeNightlyRuns } from './stored-runs.ts';

const help = `npm run --silent bench:report -- [--runs N] [--json]

Times \`ioreqlab report\` over stored runs of 12 series each, as a user calls it: a process of its own, from its start to
its end, with the most memory it had. The runs are made up, in a temporary directory that is removed.

  --runs N  how many (1000)
  --json    one line: runs, seconds, peakMiB
`;

/** What a call of the report took. */
interface Cost {
  readonly runs: number;
  readonly seconds: number;
  readonly peakMiB: number;
}

async function measure(runs: number): Promise<Cost> {
  const root = mkdtempSync(join(tmpdir(), 'ioreqlab-bench-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  // Also when it is interrupted.
  process.once('exit', remove);
  const onSignal = (): void => process.exit(130);
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  process.stderr.write(`making ${runs} runs in ${root}\n`);
  await writeNightlyRuns(root, runs);
  process.stderr.write('reporting\n');
  const cost = await report(join(root, 'runs'), join(root, 'trends.html'));
  remove();
  return { runs, ...cost };
}

async function report(runs: string, out: string): Promise<Omit<Cost, 'runs'>> {
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const words = ['--import', path('peak-memory.mjs'), path('../../harness/cli/bin.mjs')];
  const start = performance.now();
  const child = spawn(process.execPath, [...words, 'report', '--runs', runs, '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  let peak = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => (peak += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0) throw new Error(`the report ended with exit code ${code}`);
  return { seconds: Number(seconds.toFixed(3)), peakMiB: Math.ceil(Number(peak) / 1024) };
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const runs = Number(values.runs);
if (values.help) process.stdout.write(help);
else if (!Number.isInteger(runs) || runs < 1 || runs > 100_000) {
  process.stderr.write(
    `error: --runs ${values.runs}: expected a whole number from 1 to 100000\n  next: npm run bench:report -- --help\n`,
  );
  process.exitCode = 2;
} else {
  const cost = await measure(runs);
  process.stdout.write(
    values.json
      ? `${JSON.stringify(cost)}\n`
      : `${runs} runs: ${cost.seconds.toFixed(1)} s, ${cost.peakMiB} MiB at most\n`,
  );
}
