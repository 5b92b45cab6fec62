import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EXIT } from '../../results/index.ts';
import { LabError, messageOf } from '../../src/errors.ts';
import { explain } from '../cli/fail.ts';
import { interruptible } from '../cli/interrupt.ts';
import { EndReason } from '../run/run.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import { readTable, writeTable, type CaughtBy } from './table.ts';
import { tryMutant, type Tried } from './try-mutant.ts';

/** Of the scenarios that are known to catch a mutant, so many are run: one is enough, others show that it is no accident. */
const mostScenarios = 3;

interface Arguments {
  readonly only: readonly string[];
  readonly scenario: readonly string[];
  readonly host: string | undefined;
  readonly xen: string;
  readonly environment: string | undefined;
  readonly jobs: number;
  readonly write: boolean;
  readonly json: boolean;
}

const isPart = (word: string): boolean => mutants.some(({ part }) => part === word);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function runMutants(args: Arguments): Promise<void> {
  using interrupt = interruptible();
  const { signal } = interrupt;
  const table = await readTable();
  const isChosen = ({ name, part }: Mutant): boolean =>
    args.only.length === 0 || args.only.some((word) => (isPart(word) ? word === part : name.includes(word)));
  const chosen = mutants.filter(isChosen);
  if (chosen.length === 0) {
    throw new LabError('no such mutant', { blame: 'usage', code: 'USAGE', next: 'see harness/mutants/mutants.ts' });
  }
  const where = [
    ...(args.host === undefined ? ['--xen', args.xen] : ['--host', args.host]),
    ...(args.environment === undefined ? [] : ['--environment', args.environment]),
  ];
  const selection = (name: string): readonly string[] =>
    args.scenario.length > 0 ? args.scenario : (table[name] ?? []).slice(0, mostScenarios);

  // Without a bug nothing may fail: else what fails below says nothing.
  const control = [...new Set(chosen.flatMap(({ name }) => selection(name)))].sort();
  if (control.length === 0) {
    throw new LabError('the table knows no scenario for these mutants', {
      ...{ blame: 'usage', code: 'USAGE', next: 'npm run mutants -- --scenario port-io memory --write' },
    });
  }
  note(`${control.length} of the scenarios or topics, without a bug`);
  const clean = await tryMutant(undefined, { scenarios: control, where, signal });
  const bad = [...clean.caughtBy, ...clean.undecided];
  if (bad.length > 0) {
    throw new LabError(`without a bug these do not pass: ${bad.join(', ')}`, {
      ...{ blame: 'scenario', code: 'CONTROL_FAILED', next: `npx ioreqlab run ${bad.join(' ')}` },
    });
  }

  const caught: Record<string, readonly string[]> = {};
  const queue = [...chosen];
  const work = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const tried = await attempt(mutant, { scenarios: selection(mutant.name), where, signal });
      caught[mutant.name] = tried.caughtBy;
      report(args.json, mutant, tried);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, args.jobs) }, work));

  if (args.write) await writeTable(merged(table, caught, clean.run));
  const missed = chosen.filter(({ name }) => caught[name]?.length === 0);
  const summary = { mutants: chosen.length, caught: chosen.length - missed.length };
  if (args.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else process.stdout.write(`${summary.caught} of ${summary.mutants} mutants caught\n`);
  process.exitCode = missed.length === 0 ? EXIT.ok : EXIT.failed;
}

const nothing: Tried = { caughtBy: [], undecided: [], run: [] };

/** A mutant that nothing can be said of is not caught. */
async function attempt(mutant: Mutant, options: Parameters<typeof tryMutant>[1]): Promise<Tried> {
  if (options.scenarios.length === 0) return nothing;
  try {
    return await tryMutant(mutant, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    note(messageOf(error));
    return nothing;
  }
}

function report(json: boolean, { name, part }: Mutant, { caughtBy, undecided, run }: Tried): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ type: 'mutant', name, part, caughtBy, undecided, run: run.length })}\n`);
  } else {
    const mark = caughtBy.length > 0 ? '✔' : '✘';
    process.stdout.write(
      `${mark} ${part.padEnd(8)} ${name}: ${caughtBy.length > 0 ? caughtBy.join(', ') : 'not caught'}\n`,
    );
  }
}

/** The table with what this run has shown: of scenarios that were not run it keeps what it knew. */
function merged(table: CaughtBy, caught: CaughtBy, run: readonly string[]): CaughtBy {
  return Object.fromEntries(
    mutants.map(({ name }) => {
      const now = caught[name];
      const known = table[name] ?? [];
      return [name, now === undefined ? known : [...new Set([...now, ...known.filter((id) => !run.includes(id))])]];
    }),
  );
}

const parser = yargs(hideBin(process.argv))
  .scriptName('npm run mutants --')
  .command<Arguments>(
    '$0',
    'deliberate bugs, each in a copy of the project: do the scenarios see them?',
    (args) =>
      args
        .option('only', {
          type: 'string',
          array: true,
          default: [],
          describe: 'a part (dispatch, model, guest) or words of names',
        })
        .option('scenario', {
          type: 'string',
          array: true,
          default: [],
          describe: 'ids or topics, instead of those of the table',
        })
        .option('xen', { type: 'string', default: '4.20', describe: 'release of Xen of the emulated host' })
        .option('host', { type: 'string', describe: 'another host, or model-4.20: no Xen' })
        .option('environment', { type: 'string', describe: 'only hvm or only pvh guests' })
        .option('jobs', { type: 'number', default: 1, describe: 'mutants at a time' })
        .option('write', {
          type: 'boolean',
          default: false,
          describe: 'put what was seen into the table, harness/mutants/caught-by.json',
        })
        .option('json', { type: 'boolean', default: false, describe: 'one JSON object per line, the counts last' })
        .example('npm run mutants', 'all, each with up to three scenarios that are known to see it')
        .example(
          'npm run mutants -- --scenario port-io memory string-io --write',
          'what these topics see, into the table',
        )
        .example('npm run mutants -- --only guest --json', 'those in the guest'),
    runMutants,
  )
  .strict()
  .fail((message: string | null, error: Error | undefined) => {
    if (error !== undefined && error.name !== 'YError') throw error;
    throw new LabError(error?.message ?? message ?? 'wrong usage', {
      ...{ blame: 'usage', code: 'USAGE', next: 'npm run mutants -- --help' },
    });
  });

try {
  await parser.parseAsync();
} catch (error) {
  if (error instanceof EndReason) {
    note(error.message);
    process.exitCode = EXIT.interrupted;
  } else process.exitCode = explain(error);
}
