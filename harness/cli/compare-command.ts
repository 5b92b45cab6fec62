import { resolve } from 'node:path';
import type { Argv, ArgumentsCamelCase, CommandModule } from 'yargs';
import {
  compareRuns,
  comparisonMarkdown,
  comparisonText,
  EXIT,
  selectRuns,
  writeComparisonPage,
  type Comparison,
  type CompareRunsOptions,
  type ExitCode,
  type LabelledRuns,
} from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { withHostOptions, type HostArguments } from './host-options.ts';
import { measureByTurns } from './measure-by-turns.ts';
import { defaultRoot, defaultScenarios } from './defaults.ts';

interface CompareArguments extends HostArguments {
  what: string[];
  runs: number;
  figure: 'p50' | 'p90' | 'p99' | 'p999' | 'max';
  alpha: number;
  floor: number | undefined;
  force: boolean;
  timeLimit: number | undefined;
  markdown: boolean;
  html: string | undefined;
  json: boolean;
  scenarios: string;
  out: string;
}

export const compareCommand: CommandModule<object, CompareArguments> = {
  command: 'compare [what..]',
  describe: 'compare what two sets of runs have measured, or measure versions of Xen and compare them',
  builder: (argv) =>
    withHostOptions(argv)
      .positional('what', {
        type: 'string',
        array: true,
        default: [],
        describe:
          'A and B: runs, each a list with commas between; with --xen or --host: scenarios (default: performance)',
      })
      .options({
        runs: { type: 'number', default: 5, describe: 'with --xen or --host: runs of each', requiresArg: true },
        figure: {
          choices: ['p50', 'p90', 'p99', 'p999', 'max'] as const,
          default: 'p50' as const,
          describe: 'which figure of each run is compared',
        },
        alpha: { type: 'number', default: 0.05, describe: 'chance of a false alarm', requiresArg: true },
        floor: {
          type: 'number',
          describe: 'least change that counts, in per cent (default: 0.2 exact, 1 wall)',
          requiresArg: true,
        },
        force: { type: 'boolean', default: false, describe: 'compare different processors' },
        'time-limit': { type: 'number', describe: 'end measuring after so many seconds', requiresArg: true },
        markdown: { type: 'boolean', default: false, describe: 'a table for a merge request, on stdout' },
        html: { type: 'string', describe: 'write a page that needs nothing else', requiresArg: true },
        json: { type: 'boolean', default: false, describe: 'one JSON object per line on stdout' },
        scenarios: { type: 'string', default: defaultScenarios, describe: 'directory of scenarios', requiresArg: true },
        out: { type: 'string', default: defaultRoot, describe: 'directory of runs', requiresArg: true },
      })
      .example('$0 compare latest~1 latest', 'the newest run with the one before it')
      .example(
        '$0 compare "20261121T*" "20261122T*"',
        'two days: a run is an id, a path, a pattern, a directory of runs',
      )
      .example('$0 compare latest@emulated-4.17 latest@emulated-4.20', 'two hosts of one run')
      .example('$0 compare --xen 4.17,4.20 performance/ladder', 'measures 5 runs of each, by turns, and compares')
      .epilogue(
        'Exit 1 when something got worse. A decision takes at least 4 runs a side: run --repeat 5 makes 5 in one.',
      ) as unknown as Argv<CompareArguments>,
  handler: async (argv) => {
    process.exitCode = await compare(argv);
  },
};

async function compare(argv: ArgumentsCamelCase<CompareArguments>): Promise<ExitCode> {
  const { figure, alpha, floor, force, runs, what, timeLimit } = argv;
  if (!(alpha > 0 && alpha < 1)) throw usage('--alpha takes a number between 0 and 1');
  if (floor !== undefined && !(floor >= 0 && floor < 1000)) throw usage('--floor takes per cent, 0 or more');
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000) throw usage('--runs takes a whole number from 1 to 1000');
  if (timeLimit !== undefined && !(timeLimit > 0)) throw usage('--time-limit takes a number of seconds above 0');
  const root = resolve(argv.out);
  const options: CompareRunsOptions = {
    ...{ root, figure, alpha, confidence: 0.95, force },
    leastFloor: floor === undefined ? undefined : floor / 100,
  };
  if (argv.xen === undefined && argv.host === undefined) {
    const comparisons = await compareRuns(...(await storedSides(root, what)), options);
    await show(comparisons, argv);
    return exitCodeOf(comparisons);
  }
  const measured = await measureByTurns({ ...argv, what: what.length === 0 ? ['performance'] : what });
  const [first, ...others] = measured.sides;
  // Of an interrupted or broken run there may be something to compare all the same.
  const comparisons: Comparison[] = [];
  for (const other of first === undefined ? [] : others) {
    comparisons.push(...(await compareRuns(first as LabelledRuns, other, options)));
  }
  await show(comparisons, argv);
  return measured.exitCode === EXIT.ok ? exitCodeOf(comparisons) : measured.exitCode;
}

async function storedSides(root: string, what: readonly string[]): Promise<[LabelledRuns, LabelledRuns]> {
  const [a, b, more] = what;
  if (a === undefined || b === undefined || more !== undefined) {
    throw usage('compare takes two runs or sets of runs, such as latest~1 latest; or --xen with versions');
  }
  return [
    { label: a, runs: await selectRuns(root, a) },
    { label: b, runs: await selectRuns(root, b) },
  ];
}

async function show(comparisons: readonly Comparison[], { json, markdown, html }: CompareArguments): Promise<void> {
  const texts = comparisons.map((one) =>
    json
      ? `${JSON.stringify({ type: 'comparison', ...one })}\n`
      : markdown
        ? comparisonMarkdown(one)
        : comparisonText(one, process.stdout),
  );
  process.stdout.write(texts.join(json ? '' : '\n'));
  if (html === undefined) return;
  await writeComparisonPage(resolve(html), comparisons);
  if (!json && !markdown) process.stdout.write(`${html}\n`);
}

function exitCodeOf(comparisons: readonly Comparison[]): ExitCode {
  return comparisons.some(({ counts }) => counts.worse > 0) ? EXIT.failed : EXIT.ok;
}

function usage(message: string): LabError {
  return new LabError(message, { blame: 'usage', code: 'USAGE', next: 'ioreqlab compare --help' });
}
