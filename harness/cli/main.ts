import { hideBin } from 'yargs/helpers';
import yargs, { type CommandModule } from 'yargs';
import { EXIT } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { version } from '../entry-points.ts';
import { explain } from './fail.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

/** In the order of the help. Each is loaded when it is called for: all of them together take as long as many a command. */
const commands = {
  run: async () => (await import('./run-command.ts')).runCommand,
  list: async () => (await import('./list-command.ts')).listCommand,
  fuzz: async () => (await import('./fuzz-command.ts')).fuzzCommand,
  replay: async () => (await import('./replay-command.ts')).replayCommand,
  minimize: async () => (await import('./replay-command.ts')).minimizeCommand,
  host: async () => (await import('./host-command.ts')).hostCommand,
  show: async () => (await import('./show-command.ts')).showCommand,
  compare: async () => (await import('./compare-command.ts')).compareCommand,
  report: async () => (await import('./report-command.ts')).reportCommand,
  setup: async () => (await import('./setup-command.ts')).setupCommand,
};
const words = hideBin(process.argv);
const called = Object.entries(commands).filter(([name]) => name === words[0]);
const wanted = called.length === 0 ? Object.entries(commands) : called;
const modules = await Promise.all(wanted.map(async ([, load]) => await load()));

const parser = yargs(words)
  .scriptName('ioreqlab')
  .usage("$0 <command>\n\nTests and times Xen's ioreq path on real Xen.")
  // Each knows its own arguments; yargs's types would have all of them alike.
  .command(modules as unknown as CommandModule[])
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
      next: `ioreqlab ${commandOf(words)}--help`,
    });
  });

/** The command that a wrong command line means, as far as it can be told: for its help. */
function commandOf(words: readonly string[]): string {
  const [first = '', second = ''] = words;
  if (!Object.hasOwn(commands, first)) return '';
  return first === 'host' && /^[a-z]+$/.test(second) ? `${first} ${second} ` : `${first} `;
}

try {
  await parser.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
