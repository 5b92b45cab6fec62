import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { listRuns, readRun, runDirectory, summaryText } from '../../results/index.ts';
import { defaultRoot } from './defaults.ts';

interface ShowArguments {
  run: string;
  out: string;
  json: boolean;
  list: boolean;
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
        list: { type: 'boolean', default: false, describe: 'which runs there are, newest first' },
      })
      .example('$0 show', 'the newest run')
      .example('$0 show --list', 'their ids'),
  handler: async (argv) => {
    if (argv.list) {
      for (const one of await listRuns(resolve(argv.out))) {
        process.stdout.write(argv.json ? `${JSON.stringify(one)}\n` : `${one.id}  ${one.state}\n`);
      }
      return;
    }
    const directory = runDirectory(resolve(argv.out), argv.run);
    const run = await readRun(directory);
    process.stdout.write(
      argv.json ? `${JSON.stringify(run)}\n` : summaryText(run, { stream: process.stdout, directory }),
    );
  },
};
