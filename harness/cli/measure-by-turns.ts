import { resolve } from 'node:path';
import { plainLine, readRun, type ExitCode, type LabelledRuns } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { runLab } from '../run/run.ts';
import { findScenarios, selectScenarios } from '../run/select.ts';
import { chooseHosts, type HostArguments } from './host-options.ts';
import { interruptible } from './interrupt.ts';
import { LiveNotes } from './live-notes.ts';
import { hostLine, scenarioLine } from './run-command.ts';

/** What is to be measured, and where. */
export interface MeasureArguments extends HostArguments {
  /** Scenarios. */
  readonly what: readonly string[];
  /** Of each host. */
  readonly runs: number;
  readonly timeLimit: number | undefined;
  readonly scenarios: string;
  readonly out: string;
}

/** What {@link measureByTurns} made. */
export interface Measured {
  /** One for each host, in the order in which they were asked for. */
  readonly sides: readonly LabelledRuns[];
  /** Of the run. */
  readonly exitCode: ExitCode;
}

/**
 * One run in which all hosts measure in turn, so that whatever drifts hits them alike. Says on stderr how it goes: stdout
 * is for the comparison.
 */
export async function measureByTurns(argv: MeasureArguments): Promise<Measured> {
  const directory = resolve(argv.scenarios);
  const files = selectScenarios(await findScenarios(directory), argv.what, directory);
  const hosts = await chooseHosts(argv);
  if (hosts.length < 2 || hosts.some(({ kind }) => kind === 'model')) {
    throw new LabError('compare needs at least two hosts that measure', {
      blame: 'usage',
      code: 'USAGE',
      next: 'ioreqlab compare --xen 4.17,4.20',
    });
  }
  using interrupt = interruptible(argv.timeLimit === undefined ? undefined : argv.timeLimit * 1000);
  using notes = new LiveNotes();
  const finished = await runLab({
    ...{ hosts, files, scenarios: directory, retries: 0, repeat: argv.runs, byTurns: true },
    root: resolve(argv.out),
    command: ['ioreqlab', ...process.argv.slice(2)],
    listener: {
      started: ({ id }) => notes.line(`run ${id}`),
      host: (record) => notes.line(hostLine(record)),
      scenario: (outcome) => notes.line(scenarioLine(outcome, true)),
      note: (host, text) => notes.note(host, text),
    },
    signal: interrupt.signal,
  });
  notes.clear();
  for (const warning of finished.warnings) process.stderr.write(`warning: ${plainLine(warning)}\n`);
  process.stderr.write(`  next: ioreqlab show ${finished.run.id}\n`);
  const run = await readRun(finished.directory);
  const sides = hosts.map(({ name }) => ({
    label: name,
    runs: [
      {
        directory: finished.directory,
        run: {
          ...run,
          hosts: run.hosts.filter((host) => host.name === name),
          scenarios: run.scenarios.filter((record) => record.host === name),
        },
      },
    ],
  }));
  return { sides, exitCode: finished.exitCode };
}
