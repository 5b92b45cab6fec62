import { hideBin } from 'yargs/helpers';
import yargs from 'yargs';
import { EXIT } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { version } from '../entry-points.ts';
import { compareCommand } from './compare-command.ts';
import { explain } from './fail.ts';
import { fuzzCommand } from './fuzz-command.ts';
import { hostCommand } from './host-command.ts';
import { listCommand } from './list-command.ts';
import { minimizeCommand, replayCommand } from './replay-command.ts';
import { reportCommand } from './report-command.ts';
import { runCommand } from './run-command.ts';
import { setupCommand } from './setup-command.ts';
import { showCommand } from './show-command.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

const parser = yargs(hideBin(process.argv))
  .scriptName('ioreqlab')
  .usage("$0 <command>\n\nTests and times Xen's ioreq path on real Xen.")
  .command(runCommand)
  .command(listCommand)
  .command(fuzzCommand)
  .command(replayCommand)
  .command(minimizeCommand)
  .command(hostCommand)
  .command(showCommand)
  .command(compareCommand)
  .command(reportCommand)
  .command(setupCommand)
  .demandCommand(1, 'which command?')
  .strict()
  .recommendCommands()
  .version(version)
  .alias('h', 'help')
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .example('$0 run', 'everything on an emulated host')
  .example('$0 show', 'the newest run again')
  .example('$0 <command> --help', 'what a command takes')
  .epilogue(
    'Exit codes: 0 all passed, 1 something failed, 2 wrong usage, 3 nothing selected, 4 all skipped,\n' +
      '5 no verdict (the lab is broken), 6 the host crashed, 124 out of time, 130 interrupted.',
  )
  .fail((message: string | null, error: Error | undefined) => {
    // A YError is what yargs has to say of arguments.
    if (error !== undefined && error.name !== 'YError') throw error;
    const what = error?.message ?? message ?? 'wrong usage';
    throw new LabError(what, {
      blame: 'usage',
      code: 'USAGE',
      next: `ioreqlab ${commandOf(hideBin(process.argv))}--help`,
    });
  });

const commands = ['run', 'list', 'fuzz', 'replay', 'minimize', 'host', 'show', 'compare', 'report', 'setup'];

/** The command that a wrong command line means, as far as it can be told: for its help. */
function commandOf(words: readonly string[]): string {
  const [first = '', second = ''] = words;
  if (!commands.includes(first)) return '';
  return first === 'host' && /^[a-z]+$/.test(second) ? `${first} ${second} ` : `${first} `;
}

try {
  await parser.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
