import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { readRun, runDirectory, summaryText } from '../../results/index.ts';
import { defaultRoot } from './run-command.ts';

interface ShowArguments {
  run: string;
  out: string;
  json: boolean;
}

export const showCommand: CommandModule<object, ShowArguments> = {
  command: 'show [run]',
  describe: 'show a finished run again',
  builder: (argv) =>
    argv
      .positional('run', { type: 'string', default: 'latest', describe: 'id or directory' })
      .options({
        out: { type: 'string', default: defaultRoot, describe: 'directory of runs', requiresArg: true },
        json: { type: 'boolean', default: false, describe: 'its run.json on one line' },
      })
      .example('$0 show', 'the newest run'),
  handler: async (argv) => {
    const directory = runDirectory(resolve(argv.out), argv.run);
    const run = await readRun(directory);
    process.stdout.write(
      argv.json ? `${JSON.stringify(run)}\n` : summaryText(run, { stream: process.stdout, directory }),
    );
  },
};
