import { setImmediate as turn } from 'node:timers/promises';
import type { Environment } from '../../src/agent/protocol.ts';
import type { Device } from '../../src/device/index.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import { disagreementOf, type Disagreement } from '../replay/disagreement.ts';
import { mend } from '../replay/judge.ts';
import type { Lab } from '../replay/lab.ts';
import { Player, type Played } from '../replay/player.ts';
import type { Recipe, RecipeStep } from '../replay/recipe.ts';
import { makeLayout, makeRun, recipeOf, seedOf, stepsOfLayout, type Run } from './batch.ts';
import fuzzDevice from './fuzz.device.ts';
import type { Layout } from './layout.ts';

/** What {@link fuzz} goes by. */
export interface FuzzOptions {
  readonly lab: Lab;
  readonly seed: number;
  /** Of several labs that share a seed: which of their layouts are this one's. */
  readonly share?: { readonly first: number; readonly of: number };
  /** How many operations are compared, at least. */
  readonly operations: number;
  /** Kinds of guests, in turn. */
  readonly environments: readonly Environment[];
  /** Operations of a run on each vCPU. */
  readonly perVcpu: number;
  /** Runs of a layout. */
  readonly runsPerLayout: number;
  /** False: servers have no worker for each vCPU (the model has none). */
  readonly hasLanes: boolean;
  /** Real time that a run may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told after each run. */
  readonly onProgress: (progress: FuzzProgress) => void;
  /** Told of each disagreement; a false answer ends it. */
  readonly onFound: (found: Found) => Promise<boolean>;
}

/** How far it came. */
export interface FuzzProgress {
  /** Operations that were compared. */
  readonly operations: number;
  /** Requests that servers got. */
  readonly requests: number;
  readonly layouts: number;
  /** Since the first host was ready, without what shrinking took. */
  readonly elapsedMs: number;
}

/** A disagreement, as it was met. */
export interface Found {
  readonly recipe: Recipe;
  readonly disagreement: Disagreement;
}

const vcpus = 4;

/** Any device of generated layouts. */
export const fuzzDeviceNamed = (): Device => fuzzDevice;

/** Runs generated programs until enough were compared, or the signal ends it. */
export async function fuzz(options: FuzzOptions): Promise<FuzzProgress> {
  return await new Fuzz(options).run();
}

class Fuzz {
  readonly #options: FuzzOptions;
  readonly #since = performance.now();
  #paused = 0;
  #operations = 0;
  #requests = 0;
  #layouts = 0;
  #isOver = false;
  /** Of the layout that is in use: they are dealt with when the guest is free. */
  #found: Found[] = [];

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  async run(): Promise<FuzzProgress> {
    const { environments, seed, operations, hasLanes, signal, share = { first: 0, of: 1 } } = this.#options;
    while (!this.#isOver && this.#operations < operations && !signal.aborted) {
      const number = share.first + share.of * this.#layouts++;
      const environment = environments[Math.floor(number / share.of) % environments.length] ?? 'pvh';
      const layout = makeLayout(seed, number, environment, vcpus);
      const servers = layout.servers.map(({ name }) => ({ name, options: {} }));
      await this.#bout(hasLanes ? layout : { ...layout, servers }, seedOf(seed, number));
      await this.#tell();
    }
    return this.#progress;
  }

  get #progress(): FuzzProgress {
    const elapsedMs = performance.now() - this.#since - this.#paused;
    return { operations: this.#operations, requests: this.#requests, layouts: this.#layouts, elapsedMs };
  }

  /** Some runs on one layout. */
  async #bout(layout: Layout, seed: number): Promise<void> {
    const { lab, runsPerLayout, perVcpu, signal } = this.#options;
    const guest = await lab.guest(layout.environment, vcpus);
    const player = new Player(guest, lab.xenVersion, fuzzDeviceNamed);
    const stop = lab.onEvent((event) => player.hear(event));
    const setup = setupOf(layout.environment, lab.xenVersion);
    let run = makeRun(setup, layout, seedOf(seed, 0), perVcpu);
    let last: { readonly run: Run; readonly played: Played } | undefined;
    try {
      for (const step of stepsOfLayout(layout)) await player.play(step);
      for (let i = 1; i <= runsPerLayout && !this.#isOver && !signal.aborted; i++) {
        const playing = this.#play(player, run);
        playing.catch(() => undefined); // awaited below
        // On its way first: all that follows is done while the guest is busy.
        await turn();
        await turn();
        if (last !== undefined) this.#compare(player, layout, last.run, last.played);
        const next = i < runsPerLayout ? makeRun(setup, layout, seedOf(seed, i), perVcpu) : run;
        last = { run, played: await playing };
        if (player.trouble !== undefined) throw player.trouble;
        run = next;
      }
      if (last !== undefined) this.#compare(player, layout, last.run, last.played);
    } catch (error) {
      if (signal.aborted) return;
      const recipe = recipeOf(layout, run.programs);
      this.#found.push({ recipe, disagreement: await mend(lab, guest, error, recipe) });
    } finally {
      stop();
      if (!guest.isBusy) await player.close().catch(() => undefined); // its guest is gone
    }
  }

  async #play(player: Player, { programs }: Run): Promise<Played> {
    const { signal, timeoutMs } = this.#options;
    const step: RecipeStep = { do: 'run', programs, isSeparate: true };
    const played = await player.play(step, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    if (played === undefined) throw new Error('unreachable: a run that leaves nothing');
    await player.reset();
    return played;
  }

  #compare(player: Player, layout: Layout, run: Run, played: Played): void {
    const disagreement = disagreementOf(run, played.run.servers, player.compare(played));
    this.#operations += run.operations;
    this.#requests += run.requests;
    this.#options.onProgress(this.#progress);
    if (disagreement !== undefined) this.#found.push({ recipe: recipeOf(layout, run.programs), disagreement });
  }

  async #tell(): Promise<void> {
    const since = performance.now();
    for (const found of this.#found.splice(0)) {
      if (this.#isOver) break;
      this.#isOver = !(await this.#options.onFound(found));
    }
    this.#paused += performance.now() - since;
  }
}
