import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, inject, test as base, type TestContext } from 'vitest';
import {
  recordSamples,
  scenarioDirectory,
  type AttemptPlace,
  type KnownSeen,
  type Params,
  type RawSamples,
} from '../../results/index.ts';
import type { Environment } from '../../src/agent/protocol.ts';
import { isLabError, LabError } from '../../src/errors.ts';
import { notOnModel } from '../../src/model/in-process/not-on-model.ts';
import { defaultVcpus } from '../host/guest-pool.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { watchResults } from '../oracle/matcher.ts';
import { OracleWatch } from '../oracle/oracle-watch.ts';
import { DeviceModel } from './device-model.ts';
import { changeMissing, expectKnown, type KnownDifference } from './known.ts';
import { isAtMost, type Harm } from './harm.ts';
import { keepXenLog, ProgramLog } from './evidence.ts';
import { RecipeLog } from './recipe-log.ts';
import type { RunContext } from './run-context.ts';
import { parsePerturbation, perturbVariable, type Perturbation } from './perturb.ts';
import { openSession, type Session } from './session.ts';

/** What a scenario works with. */
export interface ScenarioFixtures {
  /** The host that it runs on: its name, its kind and its kind of time. */
  readonly host: RunContext['host'];
  /** The host's version of Xen, as `xl info` has it: `4.17.5`. */
  readonly xenVersion: () => Promise<string>;
  /** A running guest with four vCPUs, or as many as the scenario's options say, and 64 MiB, shared with other scenarios one after the other. */
  readonly guest: GuestSession;
  /** The guest's device model, empty at first; everything on it ends with the scenario. */
  readonly deviceModel: DeviceModel;
  /**
   * Keeps all samples of a metric, `<topic>.<what>`, in TSC cycles: instructions in exact timing; or in the unit that is
   * named. Once for each name in a scenario.
   */
  readonly record: (name: string, samples: RawSamples, unit?: 'count' | 'ratio') => Promise<void>;
  /** What is to be slower on purpose; nothing, unless `IOREQLAB_PERTURB` says so. */
  readonly perturb: Perturbation;
  /**
   * Makes expectations that are known to fail in some versions of Xen, or with this processor: where they do fail, and only
   * so, the scenario goes on, and its verdict is `known`, with the reason. Where they pass against that, it fails
   * (`KNOWN_PASSED`); in all other versions they are expectations as all others.
   */
  readonly known: (difference: KnownDifference, expectations: () => Promise<unknown>) => Promise<void>;
  /** Xen's log, as far back as its ring goes; what a guest prints on Xen's console, too. Untrusted. */
  readonly xenLog: () => Promise<string>;
  /** Ends the scenario here, because it does not apply to this host or guest; the reason is recorded. */
  readonly skip: (reason: string) => never;
  /** The variant that runs: `{ environment: 'hvm' }` or `{ environment: 'pvh' }`. */
  readonly params: Params;
  /** Aborted when the scenario's time is over. */
  readonly signal: AbortSignal;
}

/** What is said about a scenario besides its title. */
export interface ScenarioOptions {
  /** Default: HVM and PVH. Only HVM guests have QEMU. */
  readonly environments?: readonly Environment[];
  /** 1 to 16; default 4. Scenarios share guests of one number. */
  readonly vcpus?: number;
  /**
   * The host has no other guest meanwhile: for what is timed. Others are ended first and made again when they are wanted,
   * which takes seconds. Default: false.
   */
  readonly alone?: boolean;
  /** Nobody has used the guest and its device-model process before. Default: only from the second repetition of what is `alone`. */
  readonly fresh?: boolean;
  /** For `--tag`. */
  readonly tags?: readonly string[];
  /**
   * Why what the guest ran is not held against the oracle at the end. By default it is: each request that Xen should have
   * made of it, in every server's trace, and what that left in the guest.
   */
  readonly oracle?: `off because ${string}`;
  /** What it may take along; default `none`. Selected by `--harms`, and run in this order; `host` only on hosts that are disposable. */
  readonly harms?: Harm;
  /** Real time, in which the guest may have to be made first; default 120 000. */
  readonly timeoutMs?: number;
}

type Body = (fixtures: ScenarioFixtures) => Promise<void>;

interface Fixtures {
  host: Session;
  guest: GuestSession;
  deviceModel: DeviceModel;
  /** What was done, for others to do again. */
  recipe: RecipeLog;
  oracle: OracleWatch;
}

const environmentOf = (task: TestContext['task']): Environment =>
  task.meta.ioreqlab?.params['environment'] === 'pvh' ? 'pvh' : 'hvm';

/** Holds what was not yet looked at against the oracle, once the servers have said all that they have seen. */
async function checkRest(
  guest: GuestSession,
  deviceModel: DeviceModel,
  oracle: OracleWatch,
  task: TestContext['task'],
): Promise<void> {
  if (guest.isBusy) {
    // What is known not to end cannot be compared.
    if (task.meta.ioreqlab?.known !== undefined) return;
    throw new LabError('a program of the guest has not come to its end', {
      blame: 'scenario',
      code: 'ORACLE_RUN_OPEN',
      next: "wait for it, or say why there is nothing to compare: scenario(title, { oracle: 'off because ...' }, ...)",
    });
  }
  // Their traces come along, which are to be kept anyway.
  await deviceModel.close();
  if (oracle.isBehind && oracle.last !== undefined) await expect(oracle.last).toMatchOracle();
}

/** Takes note of a difference that is explained. */
function noteKnown(task: TestContext['task'], seen: KnownSeen): void {
  if (task.meta.ioreqlab) (task.meta.ioreqlab.known ??= []).push(seen);
}

/** Names the attempt that runs in the run's directory. */
function placeOf(task: TestContext['task']): AttemptPlace {
  const { host, scenarios } = inject('ioreqlab');
  const meta = task.meta.ioreqlab;
  return {
    id: relative(scenarios, task.file.filepath).replace(/\.scenario\.ts$/, ''),
    host: host.name,
    params: meta?.params,
    repetition: meta?.repetition,
    attempt: (task.result?.retryCount ?? 0) + 1,
  };
}

/** Files are loaded anew for each scenario, but the worker has one way to its host. */
const shared = globalThis as { ioreqlabSession?: Promise<Session>; ioreqlabUsed?: WeakSet<GuestSession> };

/** Guests that a scenario has had. */
const used = (shared.ioreqlabUsed ??= new WeakSet<GuestSession>());

const test = base.extend<Fixtures>({
  host: [
    async ({}, use) => {
      shared.ioreqlabSession ??= openSession(inject('ioreqlab'));
      const session = await shared.ioreqlabSession;
      await use(session);
      await session.close();
    },
    { scope: 'worker' },
  ],
  guest: async ({ host, task }, use) => {
    const { vcpus = defaultVcpus, alone = false, fresh = false } = task.meta.ioreqlab ?? {};
    const acquire = async (): Promise<GuestSession> => await host.acquireGuest(environmentOf(task), vcpus, alone);
    let guest = await acquire();
    if (fresh && used.has(guest)) {
      await host.discardGuest(guest);
      guest = await acquire();
    }
    used.add(guest);
    const programs = new ProgramLog();
    guest.onRun = (run) => programs.add(run);
    await use(guest);
    guest.onRun = undefined;
    const errors = task.result?.errors ?? [];
    const directory = scenarioDirectory(inject('ioreqlab').directory, placeOf(task));
    await programs.keep(directory);
    if (errors.length > 0) {
      const log = await host.xenLog().catch(() => undefined); // a host that is lost has none to give
      if (log !== undefined) await keepXenLog(directory, log);
    }
    // What failed an expectation is as good as new; what got stuck or broke is not.
    if (guest.isBusy || errors.some((error) => isLabError(error) || 'blame' in error)) {
      await host.discardGuest(guest).catch(() => undefined);
    }
  },
  oracle: async ({ host, guest, deviceModel, task, recipe }, use) => {
    const { directory, host: hostInfo } = inject('ioreqlab');
    const place = placeOf(task);
    const watch = new OracleWatch({
      guest,
      servers: () => deviceModel.layout,
      xenVersion: async () => await host.xenVersion(),
      onKnown: (changes, seen) => {
        for (const change of changes) noteKnown(task, { ...changeMissing(change), seen });
      },
      keep: async (found) => {
        const origin = { xen: await host.xenVersion(), host: hostInfo.name, scenario: place.id };
        return await recipe.keep(scenarioDirectory(directory, place), origin, found);
      },
    });
    const onRun = guest.onRun;
    guest.onRun = (programs) => {
      onRun?.(programs);
      recipe.add({ do: 'run', programs });
    };
    guest.onRan = (programs, results) => {
      watch.note(programs, results);
      watchResults(watch, results);
    };
    deviceModel.onClosed = (server, trace) => watch.noteClosed(server, trace);
    await use(watch);
    deviceModel.onClosed = undefined;
    guest.onRan = undefined;
  },
  recipe: async ({ guest }, use) => {
    await use(new RecipeLog(guest));
  },
  deviceModel: async ({ host, guest, recipe, task }, use) => {
    const deviceModel = new DeviceModel(guest, (step) => recipe.add(step));
    const stop = host.onEvent((event) => deviceModel.hear(event));
    await use(deviceModel);
    stop();
    // A guest that is gone has taken its servers along; its loss is told by what the scenario was doing.
    const reports = await deviceModel.close().catch(() => []);
    for (const [i, { server, trace }] of reports.entries()) {
      const earlier = reports.slice(0, i).filter((other) => other.server === server).length;
      const file = `${server}${earlier === 0 ? '' : `.${earlier + 1}`}.trace`;
      await writeFile(join(scenarioDirectory(inject('ioreqlab').directory, placeOf(task)), file), trace);
    }
  },
});

/**
 * Declares a scenario: one for each file `<topic>/<name>.scenario.ts`. It runs once in each of its environments.
 *
 * @example
 * ```ts
 * import { expect, scenario } from 'ioreqlab/scenario';
 *
 * scenario('a port that nobody owns reads all ones', async ({ guest }) => {
 *   const seen = await guest.run((program) => program.in(0x5555, 4));
 *   expect(seen.results[0]?.value).toBe(0xffffffff);
 * });
 * ```
 */
export function scenario(title: string, body: Body): void;
/** The same with {@link ScenarioOptions}. */
export function scenario(title: string, options: ScenarioOptions, body: Body): void;
export function scenario(title: string, ...rest: [Body] | [ScenarioOptions, Body]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  const context = inject('ioreqlab');
  const {
    environments = ['hvm', 'pvh'],
    tags = [],
    timeoutMs = 120_000,
    vcpus = defaultVcpus,
    alone = false,
    fresh = false,
  } = options;
  // Threaded emulation is slow, and slower still on a busy machine.
  const timeout = timeoutMs * (context.host.kind === 'emulated' && context.host.timing === 'wall' ? 5 : 1);
  const { harms = 'none' } = options;
  for (const environment of environments) {
    if (context.environments?.includes(environment) === false) continue;
    for (let turn = 1; turn <= context.repeat; turn++) {
      const params: Params = { environment };
      const repetition = context.turn === undefined && context.repeat === 1 ? {} : { repetition: context.turn ?? turn };
      const name = `${title} [${environment}${context.repeat === 1 ? '' : ` #${turn}`}]`;
      const isFresh = fresh || (alone && turn > 1);
      const meta = { ioreqlab: { title, params, harms, vcpus, alone, fresh: isFresh, ...repetition } };
      if (!isAtMost(harms, context.mostHarm ?? 'host')) {
        const reason = `it may take the ${harms} along, and ${context.host.name} is not disposable`;
        test(name, { tags: [...tags], meta }, ({ skip }) => skip(reason));
        continue;
      }
      test(
        name,
        { timeout, tags: [...tags], meta },
        async ({ host, guest, deviceModel, oracle, task, signal, skip }) => {
          let limit: LabError | undefined;
          // What is not compared at the end may be more than a trace keeps.
          if (options.oracle !== undefined) deviceModel.onClosed = undefined;
          /** What the model cannot do makes no verdict, whatever the scenario has made of it. */
          const skipBeyondModel = (): void => {
            const reason = limit ?? guest.limit;
            if (reason !== undefined) skip(reason.message);
          };
          const record: ScenarioFixtures['record'] = async (metric, samples, unit) => {
            // Before anything is written: the model has no time.
            if (context.host.timing === 'none') throw (limit ??= notOnModel('measuring'));
            const quantity =
              context.host.timing === 'exact'
                ? ({ name: metric, unit: 'instructions', kind: 'exact' } as const)
                : ({ name: metric, unit: 'cycles', kind: 'wall' } as const);
            const { timing: kind } = context.host;
            const named = unit === undefined ? quantity : { name: metric, unit, kind };
            const recorded = await recordSamples(context.directory, placeOf(task), named, samples);
            if (task.meta.ioreqlab) (task.meta.ioreqlab.metrics ??= []).push(recorded);
          };
          const note = (seen: KnownSeen): void => noteKnown(task, seen);
          if (task.meta.ioreqlab) delete task.meta.ioreqlab.known; // of an attempt before this one
          const known = async (difference: KnownDifference, expectations: () => Promise<unknown>): Promise<void> => {
            await expectKnown(difference, expectations, { version: await host.xenVersion(), note });
          };
          try {
            const xenVersion = async (): Promise<string> => await host.xenVersion();
            const xenLog = async (): Promise<string> => await host.xenLog();
            const perturb = parsePerturbation(process.env[perturbVariable]);
            const fixtures = { host: context.host, xenVersion, guest, deviceModel, record, perturb, known, skip };
            await body({ ...fixtures, xenLog, params, signal });
          } catch (error) {
            skipBeyondModel();
            // A broken handler explains a wrong value, not the other way round.
            throw deviceModel.trouble ?? error;
          }
          skipBeyondModel();
          if (deviceModel.trouble) throw deviceModel.trouble;
          if (options.oracle === undefined) await checkRest(guest, deviceModel, oracle, task);
        },
      );
    }
  }
}
