import { dirname, join, relative, resolve } from 'node:path';
import type { Argv, ArgumentsCamelCase, CommandModule } from 'yargs';
import { EXIT, type ExitCode } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import { isSafeRecipe } from '../fuzz/safe.ts';
import { parseXenVersion } from '../host/emulated/xen-versions.ts';
import type { Disagreement } from '../replay/disagreement.ts';
import { judge } from '../replay/judge.ts';
import type { Lab } from '../replay/lab.ts';
import { loadDevices } from '../replay/load-devices.ts';
import { openLab } from '../replay/open-lab.ts';
import { countOperations, type Recipe } from '../replay/recipe.ts';
import { readReplay, writeReplay, type Replay } from '../replay/replay-file.ts';
import { shrink } from '../replay/shrink.ts';
import { repository } from '../repository.ts';
import { EndReason } from '../run/run.ts';
import { chooseHosts, withHostOptions, type HostArguments } from './host-options.ts';
import { interruptible } from './interrupt.ts';
import { LiveNotes } from './live-notes.ts';
import { defaultScenarios } from './defaults.ts';

interface ReplayArguments extends HostArguments {
  file: string;
  scenarios: string;
  json: boolean;
}

interface MinimizeArguments extends ReplayArguments {
  tries: number;
  out: string | undefined;
}

const common = <T>(argv: Argv<T>) =>
  withHostOptions(argv)
    .positional('file', {
      type: 'string',
      demandOption: true,
      describe: 'written by `fuzz`, or by a scenario that failed',
    })
    .options({
      scenarios: {
        ...({ type: 'string', default: defaultScenarios, requiresArg: true } as const),
        describe: 'where the *.device.ts files are that it needs',
      },
      json: { type: 'boolean', default: false, describe: 'the result as JSON on stdout' },
    });

export const replayCommand: CommandModule<object, ReplayArguments> = {
  command: 'replay <file>',
  describe: 'show a mismatch again: run what its file has, and compare it with the oracle',
  builder: (argv) =>
    common(argv)
      .example('$0 replay results/runs/fuzz/emulated-4.20-7-1.json', 'on the version of Xen where it was seen')
      .example('$0 replay mismatch.json --xen 4.14', 'on another')
      .example('$0 replay mismatch.json --host model', 'on the model of Xen'),
  handler: async (argv) => {
    process.exitCode = await withLab(argv, replay);
  },
};

export const minimizeCommand: CommandModule<object, MinimizeArguments> = {
  command: 'minimize <file>',
  describe: 'make a mismatch smaller, on a real guest, and write it to a new file',
  builder: (argv) =>
    common(argv)
      .options({
        tries: { type: 'number', default: 1_000, describe: 'runs at most' },
        out: { type: 'string', describe: 'the new file; default: <file>.min.json', requiresArg: true },
      })
      .example('$0 minimize mismatch.json', 'into mismatch.min.json'),
  handler: async (argv) => {
    process.exitCode = await withLab(argv, minimize);
  },
};

/** What a command has for its file. */
interface Means {
  readonly lab: Lab;
  readonly replay: Replay;
  readonly judge: (recipe: Recipe) => Promise<Disagreement | undefined>;
  readonly note: (text: string) => void;
  readonly clear: () => void;
}

/** Real time that a run may take. */
const timeoutMs = 60_000;

async function withLab<A extends ReplayArguments>(
  argv: ArgumentsCamelCase<A>,
  work: (means: Means, argv: ArgumentsCamelCase<A>) => Promise<ExitCode>,
): Promise<ExitCode> {
  const file = resolve(argv.file);
  const read = await readReplay(file);
  const chosen = argv.host === undefined && argv.xen === undefined ? { ...argv, ...hostOf(read) } : argv;
  const hosts = await chooseHosts(chosen);
  const [host] = hosts;
  if (host === undefined || hosts.length > 1) {
    throw new LabError('a file is replayed on one host at a time', { blame: 'usage', code: 'USAGE' });
  }
  const directories = [`${repository}/src/device`, `${repository}/harness/fuzz`, resolve(argv.scenarios)];
  using interrupt = interruptible();
  using notes = new LiveNotes();
  const note = (text: string): void => notes.note(host.name, text);
  try {
    const deviceNamed = await loadDevices(directories);
    await using lab = await openLab({
      ...{ host, directories, note, signal: interrupt.signal },
      serialLog: join(dirname(file), `${host.name}.serial.log`),
    });
    const options = { deviceNamed, timeoutMs, signal: interrupt.signal };
    return await work(
      {
        ...{ lab, replay: read, note, clear: () => notes.clear() },
        judge: async (recipe) => await judge(lab, recipe, options),
      },
      argv,
    );
  } catch (error) {
    if (!(error instanceof EndReason)) throw error;
    notes.line(error.message);
    return EXIT.interrupted;
  }
}

/** Where it was seen, unless that was a machine of the lab: then an emulated host with the same version. */
function hostOf({ host, xen }: Replay): Pick<HostArguments, 'host' | 'xen'> {
  if (host.startsWith('model')) return { host, xen: undefined };
  const branch = /^4\.\d+/.exec(xen)?.[0] ?? '';
  return { host: undefined, xen: parseXenVersion(branch) };
}

async function replay(
  { lab, replay: known, judge, note, clear }: Means,
  { json, file }: ReplayArguments,
): Promise<ExitCode> {
  note(`${countOperations(known.recipe)} operations`);
  const found = await judge(known.recipe);
  clear();
  const isSame = found?.signature === known.signature;
  if (json) {
    const { signature, expected, seen } = found ?? {};
    const result = { agrees: found === undefined, isSame, signature, expected, seen };
    process.stdout.write(`${JSON.stringify({ type: 'replay', host: lab.name, xen: lab.xenVersion, ...result })}\n`);
  } else if (found === undefined) {
    process.stdout.write(`${lab.name}: Xen ${lab.xenVersion} does what the oracle expects\n`);
  } else {
    const recorded = isSame ? 'as recorded' : `recorded was: ${known.signature}`;
    process.stdout.write(`mismatch: ${found.signature} (${recorded})\n${found.text}\n`);
    process.stdout.write(`  next: ioreqlab minimize ${shownFile(file)}\n`);
  }
  if (found === undefined) return EXIT.ok;
  return found.isHostDead === true ? EXIT.hostCrashed : EXIT.failed;
}

async function minimize(
  { lab, replay: known, judge, note, clear }: Means,
  { json, file, tries, out }: MinimizeArguments,
): Promise<ExitCode> {
  if (!Number.isInteger(tries) || tries < 1) {
    throw new LabError('--tries takes a whole number from 1', { blame: 'usage', code: 'USAGE' });
  }
  const { recipe } = known;
  const first = await judge(recipe);
  if (first === undefined) {
    throw new LabError(`${file} shows nothing on ${lab.name} with Xen ${lab.xenVersion}`, {
      ...{ blame: 'usage', code: 'REPLAY_AGREES', next: `ioreqlab replay ${shownFile(file)} --xen VERSION` },
    });
  }
  const isGenerated = recipe.steps.every((step) => step.do === 'server' || step.do === 'run' || step.do === 'attach');
  const setup = setupOf(recipe.environment, lab.xenVersion);
  // What crashed or got stuck is to do so again.
  const mayTry = (smaller: Recipe): boolean =>
    !isGenerated || first.at === undefined || !isSafeRecipe(setup, recipe) || isSafeRecipe(setup, smaller);
  const shown = await shrink(
    { recipe, disagreement: first },
    {
      judge: async (smaller) => (mayTry(smaller) ? await judge(smaller) : undefined),
      tries,
      onTry: (done, smallest) => {
        if (done % 20 === 0) note(`${done} tries, ${countOperations(smallest)} operations`);
      },
    },
  );
  if (shown === undefined) throw new LabError(`${file} does not show it every time`, { blame: 'guest', code: 'FLAKY' });
  const target = resolve(out ?? file.replace(/(\.json)?$/, '.min.json'));
  const { signature, expected, seen, text } = shown.disagreement;
  await writeReplay(target, {
    ...{ ...known, xen: lab.xenVersion, host: lab.name },
    ...{ recipe: shown.recipe, signature, expected, seen },
  });
  clear();
  const counts = { before: countOperations(recipe), after: countOperations(shown.recipe) };
  if (json) process.stdout.write(`${JSON.stringify({ type: 'minimize', file: target, signature, ...counts })}\n`);
  else {
    process.stdout.write(`${counts.before} operations, now ${counts.after}: ${signature}\n${text}\n`);
    process.stdout.write(`  next: ioreqlab replay ${shownFile(target)}\n`);
  }
  return EXIT.ok;
}

const shownFile = (file: string): string => relative(process.cwd(), resolve(file)) || file;
