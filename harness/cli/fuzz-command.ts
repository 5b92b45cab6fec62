import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Argv, ArgumentsCamelCase, CommandModule } from 'yargs';
import { EXIT, type ExitCode } from '../../results/index.ts';
import { environmentSchema, type Environment } from '../../src/agent/protocol.ts';
import { isLabError, LabError } from '../../src/errors.ts';
import { fuzzHost, type FuzzFailure, type FuzzReport } from '../fuzz/fuzz-host.ts';
import type { FuzzProgress } from '../fuzz/fuzz.ts';
import { openLab } from '../replay/open-lab.ts';
import { repository } from '../repository.ts';
import { EndReason, type AnyHost } from '../run/run.ts';
import { chooseHosts, withHostOptions, type HostArguments } from './host-options.ts';
import { interruptible } from './interrupt.ts';
import { LiveNotes } from './live-notes.ts';

interface FuzzArguments extends HostArguments {
  seed: number | undefined;
  operations: number;
  environment: string | undefined;
  failures: number;
  tries: number;
  machines: number | undefined;
  timeLimit: number | undefined;
  out: string;
  json: boolean;
}

/** Where the files of disagreements go, unless told otherwise. */
const defaultOut = `${repository}/results/runs/fuzz`;

export const fuzzCommand: CommandModule<object, FuzzArguments> = {
  command: 'fuzz',
  describe: 'run generated programs and compare what comes of them with the oracle',
  builder: (argv) =>
    withHostOptions(argv)
      .options({
        seed: {
          type: 'number',
          describe: 'of all that is generated; default: another one each time',
          requiresArg: true,
        },
        operations: { type: 'number', default: 20_000, describe: 'how many accesses are compared on each host' },
        environment: { type: 'string', describe: 'only hvm or only pvh guests', requiresArg: true },
        failures: { type: 'number', default: 10, describe: 'end after so many different disagreements' },
        tries: { type: 'number', default: 400, describe: 'runs to make one of them smaller' },
        machines: { type: 'number', describe: 'machines at once of an emulated host; default 2, as `run` has' },
        'time-limit': { type: 'number', describe: 'end after so many seconds', requiresArg: true },
        out: { type: 'string', default: defaultOut, describe: 'directory for what is found', requiresArg: true },
        json: {
          type: 'boolean',
          default: false,
          describe: 'one JSON object per line on stdout; the last is the summary',
        },
      })
      .example('$0 fuzz', '20 000 accesses on an emulated host with Xen 4.20')
      .example('$0 fuzz --xen 4.14,4.17 --operations 200000 --seed 7', 'long, on two versions, repeatable')
      .example('$0 fuzz --host model --operations 2000', 'on the model of Xen: does the fuzzer itself work?')
      .example(
        '$0 replay results/runs/fuzz/emulated-4.20-7-1.json',
        'what it found, again',
      ) as unknown as Argv<FuzzArguments>,
  handler: async (argv) => {
    process.exitCode = await run(argv);
  },
};

type HostReport = FuzzReport & { readonly xen: string };

/** All hosts together. */
interface Totals {
  operations: number;
  mismatches: number;
  elapsedMs: number;
  hasHostDied: boolean;
}

async function run(argv: ArgumentsCamelCase<FuzzArguments>): Promise<ExitCode> {
  const { operations, failures, tries, timeLimit, json } = argv;
  checkCount('--operations', operations, 1, 1e9);
  checkCount('--failures', failures, 1, 1_000);
  checkCount('--tries', tries, 0, 100_000);
  if (argv.machines !== undefined) checkCount('--machines', argv.machines, 1, 16);
  if (timeLimit !== undefined && !(timeLimit > 0)) throw usage('--time-limit takes a number of seconds above 0');
  const { seed = Math.floor(Math.random() * 2 ** 31) } = argv;
  if (!Number.isSafeInteger(seed)) throw usage('--seed takes a whole number');
  const environments = parseEnvironment(argv.environment);
  const hosts = await chooseHosts(argv);
  using interrupt = interruptible(timeLimit === undefined ? undefined : timeLimit * 1000);
  using notes = new LiveNotes();
  notes.line(`seed ${seed}`);
  const directory = resolve(argv.out);
  await mkdir(directory, { recursive: true });
  const totals: Totals = { operations: 0, mismatches: 0, elapsedMs: 0, hasHostDied: false };
  let exitCode: ExitCode = EXIT.ok;
  try {
    for (const host of hosts) {
      const report = await runOne(host, { ...argv, seed }, environments, directory, notes, interrupt.signal);
      totals.operations += report.operations;
      totals.mismatches += report.failures.length;
      totals.elapsedMs += report.elapsedMs;
      totals.hasHostDied ||= report.hasHostDied;
      notes.clear();
      if (json) print({ type: 'host', host: host.name, xen: report.xen, ...figures(report) });
      else process.stdout.write(`${hostText(host.name, report)}\n`);
      interrupt.signal.throwIfAborted();
    }
  } catch (error) {
    exitCode = codeOf(error, totals);
    // What was found by then is of interest all the same.
    if (!(error instanceof EndReason)) {
      if (json) print(summaryOf(totals, seed, exitCode));
      throw error;
    }
    notes.line(error.message);
  }
  if (exitCode === EXIT.ok) exitCode = codeOf(undefined, totals);
  if (json) print(summaryOf(totals, seed, exitCode));
  return exitCode;
}

/** All machines of a host, at the same time. */
async function runOne(
  host: AnyHost,
  argv: ArgumentsCamelCase<FuzzArguments> & { readonly seed: number },
  environments: readonly Environment[],
  directory: string,
  notes: LiveNotes,
  signal: AbortSignal,
): Promise<HostReport> {
  const { operations, failures, tries, json, seed } = argv;
  const machines = host.kind === 'emulated' ? (argv.machines ?? 2) : 1;
  const progress = new Map<number, FuzzProgress>();
  let shown = 0;
  const started = performance.now();
  const settled = await Promise.allSettled(
    Array.from({ length: machines }, async (_, first): Promise<HostReport> => {
      const label = first === 0 ? host.name : `${host.name} (${first + 1})`;
      const note = (text: string): void => notes.note(label, text);
      await using lab = await openLab({
        ...{ host, directories: [`${repository}/src/device`, `${repository}/harness/fuzz`] },
        ...{ serialLog: join(directory, `${host.name}-${first + 1}.serial.log`), note, signal },
      });
      const report = await fuzzHost({
        ...{ lab, seed, operations: Math.ceil(operations / machines), environments, directory, signal, note },
        ...{ share: { first, of: machines }, maxFailures: failures, maxTries: tries },
        onProgress: (one) => {
          progress.set(first, one);
          if (performance.now() - shown < 2_000) return;
          shown = performance.now();
          const all = together([...progress.values()]);
          notes.note(host.name, `${all.operations} of ${operations} operations, ${rateOf(all)} a second`);
        },
        onFailure: (failure) => {
          notes.clear();
          if (json) print({ type: 'mismatch', host: host.name, ...factsOf(failure) });
          else process.stdout.write(failureText(failure));
        },
      });
      return { ...report, xen: lab.xenVersion };
    }),
  );
  // Not before all of them have ended what they had started.
  const reports = settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  notes.note(host.name, `done after ${Math.round((performance.now() - started) / 1000)} s`);
  const bySignature = new Map(reports.flatMap((one) => one.failures.map((failure) => [failure.signature, failure])));
  return {
    ...together(reports),
    xen: reports[0]?.xen ?? '',
    failures: [...bySignature.values()],
    seen: reports.reduce((sum, { seen }) => sum + seen, 0),
    hasHostDied: reports.some(({ hasHostDied }) => hasHostDied),
  };
}

/** What machines that ran at the same time did. */
function together(parts: readonly FuzzProgress[]): FuzzProgress {
  const sum = (pick: (one: FuzzProgress) => number): number => parts.reduce((total, one) => total + pick(one), 0);
  return {
    operations: sum(({ operations }) => operations),
    requests: sum(({ requests }) => requests),
    layouts: sum(({ layouts }) => layouts),
    elapsedMs: Math.max(0, ...parts.map(({ elapsedMs }) => elapsedMs)),
  };
}

const rateOf = ({ operations, elapsedMs }: Pick<FuzzProgress, 'operations' | 'elapsedMs'>): number =>
  elapsedMs <= 0 ? 0 : Math.round((operations / elapsedMs) * 1000);

function figures(report: FuzzReport) {
  const { operations, requests, layouts, failures, seen, elapsedMs } = report;
  return {
    ...{ operations, requests, layouts, mismatches: failures.length, seen, elapsedMs: Math.round(elapsedMs) },
    perSecond: rateOf(report),
  };
}

const summaryOf = ({ operations, mismatches, elapsedMs }: Totals, seed: number, exitCode: ExitCode) => ({
  ...{ type: 'summary', operations, mismatches, perSecond: rateOf({ operations, elapsedMs }), seed, exitCode },
});

const shownFile = (file: string): string => relative(process.cwd(), file) || file;

function factsOf({ signature, file, operations, isReproduced, disagreement }: FuzzFailure) {
  const { expected, seen } = disagreement;
  return { signature, file, operations, isReproduced, expected, seen };
}

function failureText({ signature, file, operations, disagreement, isReproduced }: FuzzFailure): string {
  const count = `${operations} operation${operations === 1 ? '' : 's'}`;
  const size = isReproduced ? count : `${count}; it did not show again`;
  const next = `  next: ioreqlab replay ${shownFile(file)}`;
  return `mismatch: ${signature} (${size})\n${disagreement.text}\n${next}\n`;
}

function hostText(name: string, report: HostReport): string {
  const { operations, requests, layouts, failures, seen, xen } = report;
  const found = failures.length === 0 ? 'no mismatch' : `${failures.length} different mismatches of ${seen} seen`;
  return `${name}: Xen ${xen}: ${operations} operations, ${requests} requests, ${layouts} layouts, ${rateOf(report)} operations a second: ${found}`;
}

function codeOf(error: unknown, { mismatches, hasHostDied }: Totals): ExitCode {
  if (error instanceof EndReason) return error.ended === 'outOfTime' ? EXIT.outOfTime : EXIT.interrupted;
  if (hasHostDied || (isLabError(error) && ['XEN_CRASHED', 'DOM0_CRASHED'].includes(error.code)))
    return EXIT.hostCrashed;
  if (error !== undefined) return EXIT.noVerdict;
  return mismatches > 0 ? EXIT.failed : EXIT.ok;
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function parseEnvironment(text: string | undefined): readonly Environment[] {
  if (text === undefined) return ['pvh', 'hvm'];
  const parsed = environmentSchema.safeParse(text);
  if (!parsed.success) throw usage(`--environment takes hvm or pvh, not ${JSON.stringify(text)}`);
  return [parsed.data];
}

function checkCount(option: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw usage(`${option} takes a whole number from ${least} to ${most}`);
  }
}

function usage(message: string): LabError {
  return new LabError(message, { blame: 'usage', code: 'USAGE', next: 'ioreqlab fuzz --help' });
}
