import { hideBin } from 'yargs/helpers';
import yargs from 'yargs';
import { EXIT } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { version } from '../entry-points.ts';
import { explain } from './fail.ts';
import { hostCommand } from './host-command.ts';
import { listCommand } from './list-command.ts';
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
  .command(hostCommand)
  .command(showCommand)
  .command(setupCommand)
  .demandCommand(1, 'which command?')
  .strict()
  .recommendCommands()
  .version(version)
  .alias('h', 'help')
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .epilogue(
    'Exit codes: 0 all passed, 1 something failed, 2 wrong usage, 3 nothing selected, 4 all skipped,\n' +
      '5 no verdict (the lab is broken), 6 the host crashed, 124 out of time, 130 interrupted.',
  )
  .fail((message: string | null, error: Error | undefined) => {
    throw error ?? new LabError(message ?? 'wrong usage', { blame: 'usage', code: 'USAGE', next: 'ioreqlab --help' });
  });

try {
  await parser.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
