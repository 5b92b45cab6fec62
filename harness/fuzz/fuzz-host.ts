import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../src/agent/protocol.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import type { Disagreement } from '../replay/disagreement.ts';
import { judge } from '../replay/judge.ts';
import type { Lab } from '../replay/lab.ts';
import { countOperations, type Recipe } from '../replay/recipe.ts';
import { writeReplay } from '../replay/replay-file.ts';
import { shrink, type Shown } from '../replay/shrink.ts';
import { fuzz, fuzzDeviceNamed, type Found, type FuzzProgress } from './fuzz.ts';
import { isSafeRecipe } from './safe.ts';

/** What {@link fuzzHost} goes by. */
export interface FuzzHostOptions {
  readonly lab: Lab;
  readonly seed: number;
  /** Of several machines that share a seed and its layouts: which this one is. */
  readonly share?: { readonly first: number; readonly of: number };
  readonly operations: number;
  readonly environments: readonly Environment[];
  /** After so many different disagreements it ends. */
  readonly maxFailures: number;
  /** Tries to make each of them smaller. */
  readonly maxTries: number;
  /** Where their files go; made when there are any. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FuzzProgress) => void;
  readonly note: (text: string) => void;
  readonly onFailure: (failure: FuzzFailure) => void;
}

/** A disagreement, made small. */
export interface FuzzFailure {
  readonly signature: string;
  /** For `ioreqlab replay`. */
  readonly file: string;
  /** Of all programs of the file. */
  readonly operations: number;
  readonly disagreement: Disagreement;
  /** False: it did not show again, so the file has all of the run in which it was seen. */
  readonly isReproduced: boolean;
}

/** What became of it. */
export interface FuzzReport extends FuzzProgress {
  readonly failures: readonly FuzzFailure[];
  /** Disagreements that were seen, those with the same cause too. */
  readonly seen: number;
  readonly hasHostDied: boolean;
}

/** Real time that a run of generated programs may take, and one that is being made smaller. */
const runMs = { machine: 180_000, model: 180_000 };
const tryMs = 30_000;

/** Generated programs on a host, and what they find, made small. */
export async function fuzzHost(options: FuzzHostOptions): Promise<FuzzReport> {
  const { lab, seed, share, operations, environments, signal, onProgress } = options;
  const isModel = lab.name.startsWith('model');
  const failures = new Failures(options);
  const progress = await fuzz({
    ...{ lab, seed, operations, environments, signal, onProgress, ...(share && { share }) },
    // A model makes no difference between many small runs and few large ones.
    ...(isModel ? { perVcpu: 100, runsPerLayout: 1 } : { perVcpu: 900, runsPerLayout: 3 }),
    ...{ hasLanes: !isModel, timeoutMs: isModel ? runMs.model : runMs.machine },
    onFound: async (found) => await failures.add(found),
  });
  return { ...progress, failures: failures.all, seen: failures.seen, hasHostDied: failures.hasHostDied };
}

class Failures {
  readonly #options: FuzzHostOptions;
  readonly #bySignature = new Map<string, FuzzFailure>();
  /** Signatures as they were seen, before anything was made smaller. */
  readonly #known = new Set<string>();
  seen = 0;
  hasHostDied = false;

  constructor(options: FuzzHostOptions) {
    this.#options = options;
  }

  get all(): readonly FuzzFailure[] {
    return [...this.#bySignature.values()];
  }

  /** False when there are enough. */
  async add(found: Found): Promise<boolean> {
    const { disagreement } = found;
    this.seen++;
    this.hasHostDied ||= disagreement.isHostDead === true;
    // What is about the whole run says nothing of its cause before it is small.
    if (disagreement.at !== undefined && this.#known.has(disagreement.signature)) return true;
    this.#known.add(disagreement.signature);
    const { note, maxTries, maxFailures, signal } = this.#options;
    note(`${disagreement.signature}: making it smaller`);
    const shown = await shrink(found, {
      judge: async (recipe) => await this.#judge(recipe),
      tries: maxTries,
      onTry: (tries, smallest) => {
        if (tries % 20 === 0) note(`${tries} tries, ${countOperations(smallest)} operations`);
      },
    });
    signal.throwIfAborted();
    const { signature } = (shown ?? found).disagreement;
    if (!this.#bySignature.has(signature)) await this.#keep(shown ?? found, shown !== undefined);
    return this.#bySignature.size < maxFailures;
  }

  async #judge(recipe: Recipe): Promise<Disagreement | undefined> {
    const { lab, signal } = this.#options;
    if (!isSafeRecipe(setupOf(recipe.environment, lab.xenVersion), recipe)) return undefined;
    const seen = await judge(lab, recipe, { deviceNamed: fuzzDeviceNamed, timeoutMs: tryMs, signal });
    this.hasHostDied ||= seen?.isHostDead === true;
    return seen;
  }

  async #keep({ recipe, disagreement }: Shown, isReproduced: boolean): Promise<void> {
    const { directory, lab, seed, share, onFailure } = this.#options;
    const { signature, expected, seen } = disagreement;
    await mkdir(directory, { recursive: true });
    const file = join(
      directory,
      `${lab.name}-${seed}-${(share?.first ?? 0) + (share?.of ?? 1) * this.#bySignature.size + 1}.json`,
    );
    const host = lab.name;
    await writeReplay(file, { xen: lab.xenVersion, host, seed, recipe, signature, expected, seen });
    const failure = { signature, file, operations: countOperations(recipe), disagreement, isReproduced };
    this.#bySignature.set(signature, failure);
    onFailure(failure);
  }
}
