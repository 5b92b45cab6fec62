import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EXIT } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { explain } from '../cli/fail.ts';
import { interruptible } from '../cli/interrupt.ts';
import { emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { defaultXenVersion, parseXenVersion } from '../host/emulated/xen-versions.ts';
import { repository } from '../repository.ts';
import { EndReason } from '../run/run.ts';
import { soakKills, type KillReport } from './kill-soak.ts';

interface KillArguments {
  readonly kills: number;
  readonly seed: number | undefined;
  readonly xen: string;
  readonly json: boolean;
}

async function runKills({
  kills,
  seed = Math.floor(Math.random() * 2 ** 32),
  xen,
  json,
}: KillArguments): Promise<void> {
  using interrupt = interruptible();
  const directory = join(repository, 'results/runs/soak');
  await mkdir(directory, { recursive: true });
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  note(`seed ${seed}`);
  const report = await soakKills({
    ...{ lab: emulatedLabHost({ xen: parseXenVersion(xen), timing: 'exact' }), kills, seed, note },
    ...{ serialLog: join(directory, 'serial.log'), signal: interrupt.signal },
  });
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${textOf(report)}\n`);
  if (report.faults.length > 0) process.exitCode = EXIT.failed;
  else process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

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
