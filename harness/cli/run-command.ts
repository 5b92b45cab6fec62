import { resolve } from 'node:path';
import type { Argv, ArgumentsCamelCase, CommandModule } from 'yargs';
import {
  EXIT,
  formatDuration,
  plainLine,
  plainText,
  summaryText,
  variantText,
  type HostRecord,
} from '../../results/index.ts';
import { environmentSchema, type Environment } from '../../src/agent/protocol.ts';
import { LabError } from '../../src/errors.ts';
import { runLab, type RunListener } from '../run/run.ts';
import { findScenarios, selectScenarios, withHarm } from '../run/select.ts';
import { withTags } from '../run/tags.ts';
import { listScenarios, type ScenarioOutcome } from '../run/vitest-run.ts';
import { defaultRoot, defaultScenarios } from './defaults.ts';
import { chooseHosts, withHostOptions, type HostArguments } from './host-options.ts';
import { harmsOption, parseHarm } from './harms-option.ts';
import { interruptible } from './interrupt.ts';
import { LiveNotes } from './live-notes.ts';

interface RunArguments extends HostArguments {
  scenario: string[];
  environment: string | undefined;
  tag: string | undefined;
  harms: string | undefined;
  retries: number;
  repeat: number;
  timeLimit: number | undefined;
  scenarios: string;
  out: string;
  json: boolean;
}

export const runCommand: CommandModule<object, RunArguments> = {
  command: 'run [scenario..]',
  describe: 'run scenarios on one or several hosts',
  builder: (argv) =>
    withHostOptions(argv)
      .positional('scenario', {
        type: 'string',
        array: true,
        default: [],
        describe: 'ids, topics or files; all by default',
      })
      .options({
        environment: { type: 'string', describe: 'only hvm or only pvh guests', requiresArg: true },
        tag: { type: 'string', describe: 'only scenarios with this tag (an expression of Vitest)', requiresArg: true },
        harms: harmsOption,
        retries: { type: 'number', default: 0, describe: 'try a scenario that failed so often again' },
        repeat: { type: 'number', default: 1, describe: 'run every scenario so often' },
        'time-limit': { type: 'number', describe: 'end the run after so many seconds', requiresArg: true },
        scenarios: { type: 'string', default: defaultScenarios, describe: 'directory of scenarios', requiresArg: true },
        out: { type: 'string', default: defaultRoot, describe: 'directory of runs', requiresArg: true },
        json: { type: 'boolean', default: false, describe: 'one JSON object per line on stdout' },
      })
      .example('$0 run', 'everything on an emulated host with Xen 4.20')
      .example('$0 run performance/ladder', 'one scenario')
      .example('$0 run port-io --xen 4.14,4.17,4.20', 'a topic on three versions, a column for each')
      .example('$0 run --host model', 'on the model of Xen 4.20: no Xen, no privileges, seconds')
      .example('$0 run --host lab1 --inventory lab.yaml', 'on a machine of your own') as unknown as Argv<RunArguments>,
  handler: async (argv) => {
    process.exitCode = await run(argv);
  },
};

async function run(argv: ArgumentsCamelCase<RunArguments>): Promise<number> {
  const { retries, repeat, timeLimit, json } = argv;
  checkCount('--retries', retries, 0);
  checkCount('--repeat', repeat, 1);
  if (timeLimit !== undefined && !(timeLimit > 0)) throw usage('--time-limit takes a number of seconds above 0');
  const environments = parseEnvironment(argv.environment);
  const scenarios = resolve(argv.scenarios);
  const chosen = selectScenarios(await findScenarios(scenarios), argv.scenario, scenarios);
  const named = withHarm(chosen, parseHarm(argv.harms ?? 'guest'), argv.scenario);
  const files = argv.tag === undefined ? named : withTags(await listScenarios(scenarios, named), argv.tag);
  const hosts = await chooseHosts(argv);
  using interrupt = interruptible(timeLimit === undefined ? undefined : timeLimit * 1000);
  using notes = new LiveNotes();
  const listener = json ? jsonListener(notes) : textListener(notes, hosts.length > 1);
  const {
    run: record,
    directory,
    exitCode,
    warnings,
  } = await runLab({
    hosts,
    scenarios,
    files,
    ...(environments === undefined ? {} : { environments }),
    retries,
    repeat,
    root: resolve(argv.out),
    command: ['ioreqlab', ...process.argv.slice(2)],
    listener,
    signal: interrupt.signal,
  });
  notes.clear();
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (json) print({ type: 'summary', id: record.id, dir: directory, counts: record.counts, exitCode });
  else process.stdout.write(`\n${summaryText(record, { stream: process.stdout, directory })}`);
  if (exitCode === EXIT.nothingSelected) process.stderr.write('nothing was selected\n  next: ioreqlab list\n');
  return exitCode;
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function jsonListener(notes: LiveNotes): RunListener {
  return {
    started: ({ id, directory }) => print({ type: 'run', id, dir: directory }),
    host: (record) => {
      print({ type: 'host', ...record });
      if (record.error !== undefined) notes.line(hostLine(record));
    },
    scenario: (outcome) => print({ type: 'scenario', ...outcome }),
    note: (host, text) => notes.note(host, text),
  };
}

function textListener(notes: LiveNotes, isSeveral: boolean): RunListener {
  return {
    started: ({ id }) => notes.line(`run ${id}`),
    host: (record) => notes.line(hostLine(record)),
    scenario: (outcome) => notes.result(scenarioLine(outcome, isSeveral)),
    note: (host, text) => notes.note(host, text),
  };
}

/** A host that was reached, or why it was not. */
export function hostLine({ name, kind, xen, dom0, timing, error, phases = [] }: HostRecord): string {
  if (error !== undefined) {
    const next = error.next === undefined ? '' : `\n  next: ${plainLine(error.next)}`;
    const message = plainText(error.message).trimEnd();
    return `host ${message.startsWith(name) ? message : `${name}: ${message}`}${next}`;
  }
  const took = formatDuration(phases.reduce((sum, { durationMs }) => sum + durationMs, 0));
  if (kind === 'model') return `host ${name}: no Xen, but the model of Xen ${xen?.version ?? '?'}, in this process`;
  return `host ${name}: Xen ${xen?.version ?? '?'}, dom0 Linux ${dom0?.kernel ?? '?'}, ${timing} timing, ready after ${took}`;
}

/** How a scenario ended. */
export function scenarioLine(
  { id, host, verdict, durationMs, error, reason, ...outcome }: ScenarioOutcome,
  isSeveral: boolean,
): string {
  const what = [id, variantText(outcome), ...(isSeveral ? [host] : [])].filter((text) => text !== '').join('  ');
  const why = error?.message.split('\n')[0] ?? reason;
  return `${verdict.padEnd(7)} ${what}  ${formatDuration(durationMs)}${why === undefined ? '' : `  ${plainLine(why)}`}`;
}

function parseEnvironment(text: string | undefined): readonly Environment[] | undefined {
  if (text === undefined) return undefined;
  const parsed = environmentSchema.safeParse(text);
  if (!parsed.success) throw usage(`--environment takes hvm or pvh, not ${JSON.stringify(text)}`);
  return [parsed.data];
}

function checkCount(option: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 10_000) {
    throw usage(`${option} takes a whole number from ${least} to 10000`);
  }
}

function usage(message: string): LabError {
  return new LabError(message, { blame: 'usage', code: 'USAGE', next: 'ioreqlab run --help' });
}
