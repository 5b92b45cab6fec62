import { resolve } from 'node:path';
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import {
  compareRuns,
  comparisonMarkdown,
  comparisonText,
  EXIT,
  selectRuns,
  type Comparison,
  type LabelledRuns,
} from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { defaultRoot } from './run-command.ts';

interface CompareArguments {
  a: string | undefined;
  b: string | undefined;
  figure: 'p50' | 'p90' | 'p99' | 'p999' | 'max';
  alpha: number;
  floor: number | undefined;
  force: boolean;
  markdown: boolean;
  json: boolean;
  out: string;
}

export const compareCommand: CommandModule<object, CompareArguments> = {
  command: 'compare [a] [b]',
  describe: 'compare what runs have measured',
  builder: (argv) =>
    argv
      .positional('a', { type: 'string', describe: 'what is compared with: runs, with commas between' })
      .positional('b', { type: 'string', describe: 'what is new' })
      .options({
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
        markdown: { type: 'boolean', default: false, describe: 'a table for a merge request' },
        json: { type: 'boolean', default: false, describe: 'one JSON object per line on stdout' },
        out: { type: 'string', default: defaultRoot, describe: 'directory of runs', requiresArg: true },
      })
      .example('$0 compare latest~1 latest', 'the newest run with the one before it')
      .example(
        '$0 compare "20261121T*" "20261122T*"',
        'all runs of two days; a run is an id, a path or a directory of runs',
      )
      .example('$0 compare latest@emulated-4.17 latest@emulated-4.20', 'two hosts of one run')
      .epilogue(
        'Exit 1 when something got worse. A decision takes at least 4 runs a side: run --repeat 5 makes 5 in one.',
      ),
  handler: async (argv) => {
    process.exitCode = await compare(argv);
  },
};

async function compare(argv: ArgumentsCamelCase<CompareArguments>): Promise<number> {
  const { figure, alpha, floor, force } = argv;
  if (!(alpha > 0 && alpha < 1)) throw usage('--alpha takes a number between 0 and 1');
  if (floor !== undefined && !(floor >= 0 && floor < 1000)) throw usage('--floor takes per cent, 0 or more');
  const root = resolve(argv.out);
  const options = { root, figure, alpha, confidence: 0.95, force };
  const [a, b] = await storedSides(root, argv);
  const comparisons = await compareRuns(a, b, {
    ...options,
    ...(floor === undefined ? {} : { leastFloor: floor / 100 }),
  });
  show(comparisons, argv);
  return comparisons.some(({ counts }) => counts.worse > 0) ? EXIT.failed : EXIT.ok;
}

async function storedSides(root: string, { a, b }: CompareArguments): Promise<[LabelledRuns, LabelledRuns]> {
  if (a === undefined || b === undefined) throw usage('compare what with what? Two runs, or sets of runs');
  return [
    { label: a, runs: await selectRuns(root, a) },
    { label: b, runs: await selectRuns(root, b) },
  ];
}

function show(comparisons: readonly Comparison[], { json, markdown }: CompareArguments): void {
  const texts = comparisons.map((one) =>
    json
      ? `${JSON.stringify({ type: 'comparison', ...one })}\n`
      : markdown
        ? comparisonMarkdown(one)
        : comparisonText(one, process.stdout),
  );
  process.stdout.write(texts.join(json ? '' : '\n'));
}

function usage(message: string): LabError {
  return new LabError(message, { blame: 'usage', code: 'USAGE', next: 'ioreqlab compare --help' });
}
