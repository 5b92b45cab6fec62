import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EXIT, type ExitCode } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { explain } from '../cli/fail.ts';
import { interruptible } from '../cli/interrupt.ts';
import { emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { defaultXenVersion, parseXenVersion } from '../host/emulated/xen-versions.ts';
import { repository } from '../repository.ts';
import { EndReason } from '../run/run.ts';
import { soakForged } from './forged-soak.ts';
import { soakKills, type KillReport } from './kill-soak.ts';

interface KillArguments {
  readonly kills: number;
  readonly seed: number | undefined;
  readonly xen: string;
  readonly json: boolean;
}

async function runKills({ kills, seed = randomSeed(), xen, json }: KillArguments): Promise<void> {
  using interrupt = interruptible();
  const directory = join(repository, 'results/runs/soak');
  await mkdir(directory, { recursive: true });
  note(`seed ${seed}`);
  const report = await soakKills({
    ...{ lab: emulatedLabHost({ xen: parseXenVersion(xen), timing: 'exact' }), kills, seed, note },
    ...{ serialLog: join(directory, 'serial.log'), signal: interrupt.signal },
  });
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${textOf(report)}\n`);
  process.exitCode = exitCodeOf(report.faults, interrupt.signal);
}

interface ForgedArguments {
  readonly requests: number;
  readonly seed: number | undefined;
  readonly json: boolean;
}

async function runForged({ requests, seed = randomSeed(), json }: ForgedArguments): Promise<void> {
  using interrupt = interruptible();
  note(`seed ${seed}`);
  const report = await soakForged(requests, seed, { note, signal: interrupt.signal });
  const { calls, slots, durationMs, faults } = report;
  const text = [
    `${report.requests} forged requests, ${calls} calls of handlers, ${slots} of them through slots, in ${Math.round(durationMs / 1000)} s`,
    ...faults.map((fault) => `FAULT: ${fault}`),
  ];
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${text.join('\n')}\n`);
  process.exitCode = exitCodeOf(faults, interrupt.signal);
}

function exitCodeOf(faults: readonly string[], signal: AbortSignal): ExitCode {
  if (faults.length > 0) return EXIT.failed;
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}

const randomSeed = (): number => Math.floor(Math.random() * 2 ** 32);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

function textOf(report: KillReport): string {
  const { kills, byMoment, replaced, destroyed, guests, answers, recoveryMs, durationMs, faults } = report;
  const moments = Object.entries(byMoment).map(([moment, count]) => `${count} ${moment}`);
  return [
    `${kills} kills (${moments.join(', ')}) in ${Math.round(durationMs / 1000)} s`,
    `${replaced} processes taken over, ${destroyed} guests destroyed, ${guests} guests in all`,
    `${answers} right answers to guests`,
    `recovery: median ${recoveryMs.median} ms, 90 % ${recoveryMs.p90} ms, longest ${recoveryMs.max} ms`,
    ...faults.map((fault) => `FAULT: ${fault}`),
  ].join('\n');
}

const parser = yargs(hideBin(process.argv))
  .scriptName('npm run soak --')
  .command<KillArguments>(
    ['kills', '$0'],
    'SIGKILL of device-model processes at random moments, under load, on an emulated host',
    (args) =>
      args
        .option('kills', { type: 'number', default: 1000, describe: 'how many processes are killed' })
        .option('seed', { type: 'number', describe: 'of what is random; default: another one each time' })
        .option('xen', { type: 'string', default: defaultXenVersion, describe: 'release of Xen' })
        .option('json', { type: 'boolean', default: false, describe: 'the report as JSON' }),
    runKills,
  )
  .command<ForgedArguments>(
    'forged',
    'forged requests into the dispatch, and through slots of a fake Xen',
    (args) =>
      args
        .option('requests', { type: 'number', default: 10_000_000, describe: 'how many' })
        .option('seed', { type: 'number', describe: 'of what is random; default: another one each time' })
        .option('json', { type: 'boolean', default: false, describe: 'the report as JSON' }),
    runForged,
  )
  .strict()
  .fail((message: string | null, error: Error | undefined) => {
    if (error !== undefined && error.name !== 'YError') throw error;
    throw new LabError(error?.message ?? message ?? 'wrong usage', {
      ...{ blame: 'usage', code: 'USAGE', next: 'npm run soak -- --help' },
    });
  });

try {
  await parser.parseAsync();
} catch (error) {
  if (error instanceof EndReason) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT.interrupted;
  } else process.exitCode = explain(error);
}
