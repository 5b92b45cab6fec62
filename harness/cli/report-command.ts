import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import {
  EXIT,
  listRuns,
  openRun,
  parseSince,
  readRun,
  runDirectory,
  startOf,
  trendLines,
  trendsText,
  writeReport,
  writeTrends,
  type ListedRun,
} from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { version } from '../entry-points.ts';
import { defaultRoot } from './defaults.ts';

interface ReportArguments {
  run: string[];
  since: string | undefined;
  out: string | undefined;
  runs: string;
  json: boolean;
}

export const reportCommand: CommandModule<object, ReportArguments> = {
  command: 'report [run..]',
  describe: 'trends over all stored runs, or the report of one run again',
  builder: (argv) =>
    argv
      .positional('run', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'ids or directories; one: its report is made anew; several: trends over these alone',
      })
      .options({
        since: { type: 'string', describe: 'only runs of the last 12h, 30d, 8w, or since a date', requiresArg: true },
        out: { type: 'string', describe: 'file to write; trends.html beside the runs by default', requiresArg: true },
        runs: { type: 'string', default: defaultRoot, describe: 'directory of runs', requiresArg: true },
        json: {
          type: 'boolean',
          default: false,
          describe: 'one JSON object per line on stdout: each series, then a summary',
        },
      })
      .example('$0 report', 'trends over all runs')
      .example('$0 report --since 30d --out trends.html', 'over those of the last 30 days')
      .example('$0 report latest', "the newest run's report.html again"),
  handler: async (argv) => {
    const { run, since, out, json } = argv;
    const root = resolve(argv.runs);
    if (run.length === 1 && since === undefined) {
      const directory = runDirectory(root, run[0] ?? '');
      const path = await writeReport(await readRun(directory), directory, out === undefined ? undefined : resolve(out));
      process.stdout.write(json ? `${JSON.stringify({ type: 'report', file: path })}\n` : `${path}\n`);
      return;
    }
    const chosen = await chosenRuns(root, run, since);
    if (!chosen.some(({ state }) => state === 'finished')) {
      process.stderr.write(
        `no finished run ${since === undefined ? '' : `since ${since} `}in ${root}\n  next: ioreqlab run\n`,
      );
      process.exitCode = EXIT.nothingSelected;
      return;
    }
    const file = resolve(out ?? `${root}/trends.html`);
    const result = await writeTrends(chosen, { out: file, version });
    process.stdout.write(json ? trendLines(result, file) : trendsText(result, file));
  },
};

async function chosenRuns(root: string, named: readonly string[], since: string | undefined): Promise<ListedRun[]> {
  const all =
    named.length === 0 ? await listRuns(root) : await Promise.all(named.map(async (one) => await namedRun(root, one)));
  if (since === undefined) return all;
  const start = parseSince(since, Date.now());
  return all.filter(({ id }) => startOf(id) >= start);
}

async function namedRun(root: string, which: string): Promise<ListedRun> {
  const opened = await openRun(runDirectory(root, which));
  if (opened.state === 'unfinished') {
    throw new LabError(`run ${which} is not finished: there is nothing to report`, {
      blame: 'usage',
      code: 'RUN_NOT_FINISHED',
      next: 'ioreqlab show --list',
    });
  }
  return { id: opened.run.id, directory: opened.directory, state: 'finished' };
}
