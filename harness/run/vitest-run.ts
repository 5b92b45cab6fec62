import { relative } from 'node:path';
import { Writable } from 'node:stream';
import type { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node';
import type { Metric, ScenarioRecord } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { entryPoints } from '../entry-points.ts';
import type { Harm } from '../scenario/harm.ts';
import type { RunContext } from '../scenario/run-context.ts';
import { byHarmAndId, type ScenarioFile } from './select.ts';
import { problemOf, verdictOf, verdictOfPass, type ReportedError } from './verdict-of.ts';

/** A scenario's outcome; the run adds its artifacts. */
export type ScenarioOutcome = Omit<ScenarioRecord, 'artifacts'>;

/** What is to be run through Vitest. */
export interface VitestRunOptions {
  readonly context: RunContext;
  readonly files: readonly ScenarioFile[];
  readonly retries: number;
  readonly onOutcome: (outcome: ScenarioOutcome) => void;
  /** Aborted: no further scenario starts. */
  readonly signal?: AbortSignal;
}

/** Files in an order of their own, whatever ran how long last time: a run is to be repeatable. */
function inOrderOf(files: readonly ScenarioFile[]) {
  const places = new Map([...files].sort(byHarmAndId).map(({ file }, place) => [file, place]));
  const placeOf = ({ moduleId }: TestSpecification): number => places.get(moduleId) ?? places.size;
  return class {
    async shard(specifications: TestSpecification[]): Promise<TestSpecification[]> {
      return specifications;
    }
    async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
      return specifications.sort((a, b) => placeOf(a) - placeOf(b));
    }
  };
}

async function openVitest({ context, files, retries }: VitestRunOptions, reporter: Reporter) {
  // Large, and most commands do without it.
  const { createVitest } = await import('vitest/node');
  using _own = ownSignals();
  return await createVitest(
    'test',
    {
      config: false,
      root: context.scenarios,
      include: ['**/*.scenario.ts'],
      watch: false,
      // A thread dies with this process, however that ends; one for all files, since they share the host's guests.
      pool: 'threads',
      isolate: false,
      maxWorkers: 1,
      fileParallelism: false,
      sequence: { sequencer: inOrderOf(files) },
      reporters: [reporter],
      provide: { ioreqlab: context },
      retry: retries,
      strictTags: false,
      // Durations of earlier runs: neither wanted nor to be written beside the user's scenarios.
      cache: false,
      passWithNoTests: true,
      teardownTimeout: 30_000,
      disableConsoleIntercept: true,
    },
    {
      logLevel: 'silent',
      server: { watch: null },
      resolve: { alias: Object.entries(entryPoints).map(([find, replacement]) => ({ find, replacement })) },
    },
    // What scenarios print. Stdout is for results; and no terminal, whose cursor Vitest would hide.
    { stdout: toStderr(), stderr: toStderr() },
  );
}

const toStderr = (): Writable =>
  new Writable({ write: (chunk, _encoding, done) => void process.stderr.write(chunk, () => done()) });

/** Until it is disposed of, nobody gets to handle signals and unhandled rejections: Vitest would end the process at once. */
function ownSignals(): Disposable {
  const names = ['SIGINT', 'SIGTERM', 'exit', 'unhandledRejection'] as const;
  const before = names.map((name) => process.listeners(name as 'exit'));
  return {
    [Symbol.dispose]: () => {
      names.forEach((name, i) => {
        for (const listener of process.listeners(name as 'exit')) {
          if (before[i]?.includes(listener) !== true) process.off(name, listener);
        }
      });
    },
  };
}

/** Runs scenarios on the host of the context. Every scenario that was collected has an outcome. */
export async function runScenarios(options: VitestRunOptions): Promise<ScenarioOutcome[]> {
  const outcomes: ScenarioOutcome[] = [];
  const note = (outcome: ScenarioOutcome): void => {
    outcomes.push(outcome);
    options.onOutcome(outcome);
  };
  let unhandled: ReportedError[] = [];
  const started = new Map<string, Date>();
  const reporter: Reporter = {
    onTestCaseReady: (test) => {
      if (test.result().state === 'pending' && options.signal?.aborted !== true) started.set(test.id, new Date());
    },
    onTestCaseResult: (test) => note(outcomeOf(test, options.context, started.get(test.id))),
    onTestModuleEnd: (module) => {
      for (const outcome of brokenModule(module, options.context)) note(outcome);
    },
    onTestRunEnd: (_modules, errors) => {
      unhandled = errors.map((error) => ({ ...error, message: error.message }));
    },
  };
  const vitest = await openVitest(options, reporter);
  const cancel = (): void => void vitest.cancelCurrentRun('keyboard-input');
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const wanted = new Set(options.files.map(({ file }) => file));
    const specifications = await vitest.globTestSpecifications();
    if (options.signal?.aborted !== true) {
      await vitest.runTestSpecifications(specifications.filter(({ moduleId }) => wanted.has(moduleId)));
    }
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    await vitest.close();
    // Vitest marks its process; the exit code is ours to set.
    process.exitCode = undefined;
  }
  const [first] = unhandled;
  if (first !== undefined && options.signal?.aborted !== true) {
    throw new LabError(`the scenarios left an error behind that nobody caught: ${first.message}`, {
      blame: 'scenario',
      code: 'UNHANDLED',
      ...(first.stack === undefined ? {} : { evidence: first.stack }),
    });
  }
  return outcomes;
}

/** A scenario that could be run, as `ioreqlab list` shows it. */
export interface ListedScenario {
  readonly id: string;
  readonly title: string;
  readonly environments: readonly string[];
  readonly tags: readonly string[];
  /** What it may take along. */
  readonly harms: Harm;
  readonly file: string;
}

/**
 * Collects the scenarios of these files, which lie in the directory `scenarios`, without running any.
 *
 * @throws LabError `SCENARIO_BROKEN` when one does not load
 */
export async function listScenarios(scenarios: string, files: readonly ScenarioFile[]): Promise<ListedScenario[]> {
  const context: RunContext = {
    host: { name: 'none', kind: 'emulated', timing: 'exact' },
    ...{ relay: '', directory: '', scenarios, repeat: 1 },
  };
  const vitest = await openVitest({ context, files, retries: 0, onOutcome: () => undefined }, {});
  try {
    const { testModules } = await vitest.collect(files.map(({ file }) => file));
    const listed: ListedScenario[] = [];
    for (const module of testModules) {
      const [error] = module.errors();
      const id = idOf(module, context);
      if (error !== undefined) {
        throw new LabError(`${id} does not load: ${error.message}`, { blame: 'scenario', code: 'SCENARIO_BROKEN' });
      }
      const tests = [...module.children.allTests()];
      const meta = tests[0]?.meta().ioreqlab;
      if (meta === undefined) continue;
      const environments = new Set(tests.map((test) => String(test.meta().ioreqlab?.params['environment'])));
      const tags = tests[0]?.tags ?? [];
      const { title, harms } = meta;
      listed.push({ id, title, environments: [...environments], tags, harms, file: module.moduleId });
    }
    return listed;
  } finally {
    await vitest.close();
    process.exitCode = undefined;
  }
}

function idOf(module: TestModule, context: RunContext): string {
  return relative(context.scenarios, module.moduleId).replace(/\.scenario\.ts$/, '');
}

/** Vitest's reason for what `cancelCurrentRun` has ended. */
const cancelled = 'The test run was aborted by the user.';

/** @param startedAt when Vitest began with it; missing when it was not its turn */
function outcomeOf(test: TestCase, context: RunContext, startedAt: Date | undefined): ScenarioOutcome {
  const meta = test.meta().ioreqlab;
  const result = test.result();
  const diagnostic = test.diagnostic();
  const attempts = (diagnostic?.retryCount ?? 0) + 1;
  const errors = (result.errors ?? []) as readonly ReportedError[];
  const last = errors.at(-1);
  const base = {
    id: idOf(test.module, context),
    title: meta?.title ?? test.name,
    host: context.host.name,
    params: meta?.params ?? {},
    ...(meta?.repetition === undefined ? {} : { repetition: meta.repetition }),
    durationMs: Math.round(diagnostic?.duration ?? (startedAt === undefined ? 0 : Date.now() - startedAt.getTime())),
    ...(startedAt === undefined ? {} : { startedAt: startedAt.toISOString() }),
    attempts,
    metrics: (meta?.metrics ?? []) as Metric[],
  };
  if (result.state === 'passed') return { ...base, ...verdictOfPass(errors, meta?.known ?? []) };
  if (result.state === 'failed' && last !== undefined) {
    const problems = errors.map(problemOf);
    const error = problems[0] as (typeof problems)[number];
    return { ...base, ...verdictOf(error), error };
  }
  const note = result.state === 'skipped' ? result.note : undefined;
  const reason = note === cancelled ? undefined : note;
  return { ...base, verdict: 'skip', attempts: 0, ...(reason === undefined ? {} : { reason }) };
}

/** A file that did not load, or that does not declare just one scenario. */
function brokenModule(module: TestModule, context: RunContext): ScenarioOutcome[] {
  const titles = new Set([...module.children.allTests()].map((test) => test.meta().ioreqlab?.title));
  const errors: ReportedError[] = module.errors().map((error) => ({ ...error, message: error.message }));
  if (errors.length === 0 && titles.size === 0 && context.environments === undefined) {
    errors.push({ message: 'the file declares no scenario: it needs one call of scenario(...)' });
  }
  if (titles.size > 1) {
    errors.push({ message: 'the file declares several scenarios: each needs a file of its own, whose path is its id' });
  }
  return errors.map((error) => ({
    id: idOf(module, context),
    host: context.host.name,
    params: {},
    verdict: 'error' as const,
    error: problemOf({ ...error, code: 'SCENARIO_BROKEN' }),
    durationMs: 0,
    attempts: 0,
    metrics: [],
  }));
}
