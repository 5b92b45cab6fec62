import type { Operation, Program } from '../../guests/program/index.ts';
import type { RecipeStep } from './recipe.ts';
import type { Recipe } from './recipe.ts';
import type { Disagreement } from './disagreement.ts';
import { simplerOperations } from './simpler-operation.ts';
import { simplerSteps } from './simpler-step.ts';

/** A recipe and what it shows. */
export interface Shown {
  readonly recipe: Recipe;
  readonly disagreement: Disagreement;
}

/** What {@link shrink} goes by. */
export interface ShrinkOptions {
  /** Tries a recipe; undefined when it shows nothing, or is not to be tried. */
  readonly judge: (recipe: Recipe) => Promise<Disagreement | undefined>;
  /** Tries at most. */
  readonly tries: number;
  readonly onTry?: ((tries: number, smallest: Recipe) => void) | undefined;
}

/** What a recipe that still shows it may show. */
function isOfTheSameKind(a: Disagreement, b: Disagreement): boolean {
  const groupOf = ({ kind, isHostDead }: Disagreement): string =>
    isHostDead ? 'host' : kind === 'gone' || kind === 'stuck' || kind === 'trouble' ? kind : 'differs';
  return groupOf(a) === groupOf(b);
}

/**
 * Makes a recipe smaller as long as it still shows a disagreement of the same kind: fewer operations (delta debugging), fewer
 * steps, simpler ones.
 *
 * @returns the smallest that was found; undefined when not even the first one shows it again
 */
export async function shrink(first: Shown, options: ShrinkOptions): Promise<Shown | undefined> {
  return await new Shrinking(first, options).run();
}

class Shrinking {
  readonly #options: ShrinkOptions;
  readonly #wanted: Disagreement;
  #best: Shown;
  #tries = 0;

  constructor(first: Shown, options: ShrinkOptions) {
    this.#options = options;
    this.#wanted = first.disagreement;
    this.#best = first;
  }

  async run(): Promise<Shown | undefined> {
    // First what the place of the disagreement suggests; should that not do, all of it.
    const isCut = await this.#try(cut(this.#best));
    if (!isCut && !(await this.#try(this.#best.recipe))) return undefined;
    for (let hasChanged = true; hasChanged && !this.#isOver;) {
      hasChanged = await this.#fewerOperations();
      hasChanged = (await this.#anyOf(() => fewerSteps(this.#best.recipe))) || hasChanged;
      hasChanged = (await this.#anyOf(() => simplerRuns(this.#best.recipe))) || hasChanged;
    }
    return this.#best;
  }

  get #isOver(): boolean {
    return this.#tries >= this.#options.tries;
  }

  async #try(recipe: Recipe): Promise<boolean> {
    if (this.#isOver) return false;
    const disagreement = await this.#options.judge(recipe);
    this.#tries++;
    const isShown = disagreement !== undefined && isOfTheSameKind(this.#wanted, disagreement);
    if (isShown) this.#best = { recipe, disagreement };
    this.#options.onTry?.(this.#tries, this.#best.recipe);
    return isShown;
  }

  /** Takes the first of some recipes that still shows it, and so on, until none does. */
  async #anyOf(candidates: () => Iterable<Recipe>): Promise<boolean> {
    let hasChanged = false;
    for (let isShown = true; isShown;) {
      isShown = false;
      for (const candidate of candidates()) {
        if (this.#isOver) return hasChanged;
        if (!(await this.#try(candidate))) continue;
        isShown = hasChanged = true;
        break;
      }
    }
    return hasChanged;
  }

  /** Zeller's ddmin over the operations of all programs together: chunks are left out, ever smaller ones. */
  async #fewerOperations(): Promise<boolean> {
    let hasChanged = false;
    for (let chunk = Math.ceil(count(this.#best.recipe) / 2); chunk >= 1 && !this.#isOver;) {
      let isShown = false;
      // From the end: what comes last is the most likely to show it, and then to be needed.
      for (let start = Math.max(0, count(this.#best.recipe) - chunk); ; start = Math.max(0, start - chunk)) {
        const recipe = without(this.#best.recipe, start, start + chunk);
        if (recipe !== undefined && (await this.#try(recipe))) isShown = hasChanged = true;
        if (start === 0 || this.#isOver) break;
      }
      if (chunk === 1 && !isShown) break;
      if (!isShown || chunk > count(this.#best.recipe)) chunk = Math.max(1, Math.floor(chunk / 2));
    }
    return hasChanged;
  }
}

function mapPrograms({ steps, ...rest }: Recipe, map: (program: Program, vcpu: number) => Program): Recipe {
  return {
    ...rest,
    steps: steps.map((step) => (step.do === 'run' ? { ...step, programs: step.programs.map(map) } : step)),
  };
}

function count({ steps }: Recipe): number {
  return steps.reduce(
    (sum, step) => (step.do === 'run' ? step.programs.reduce((n, { operations }) => n + operations.length, sum) : sum),
    0,
  );
}

/** Without some operations, counted over all programs; undefined when there are none. */
function without(recipe: Recipe, start: number, end: number): Recipe | undefined {
  let at = 0;
  let left = 0;
  const next = mapPrograms(recipe, ({ operations }) => {
    const kept = operations.filter(() => {
      const isIn = at >= start && at < end;
      at++;
      return !isIn;
    });
    left += kept.length;
    return { operations: kept };
  });
  return left === at || left === 0 ? undefined : next;
}

/** The run that shows it, without what comes after it and what other vCPUs do. */
function cut({ recipe, disagreement: { at } }: Shown): Recipe {
  if (at === undefined) return recipe;
  return mapPrograms(recipe, ({ operations }, vcpu) => ({
    operations: vcpu === at.vcpu ? operations.slice(0, at.operation + 1) : [],
  }));
}

/** Without a step, without vCPUs that do nothing, and with simpler steps. */
function* fewerSteps(recipe: Recipe): Generator<Recipe> {
  const { steps } = recipe;
  const replaced = (i: number, by: readonly RecipeStep[]): Recipe => ({
    ...recipe,
    steps: [...steps.slice(0, i), ...by, ...steps.slice(i + 1)],
  });
  const runs = steps.filter((step) => step.do === 'run');
  for (const [i, step] of steps.entries()) {
    if (step.do !== 'run') {
      // What needs a server goes with it.
      if (step.do !== 'server') yield replaced(i, []);
      else {
        const others = steps.filter((other) => !('server' in other) || other.server !== step.server);
        yield { ...recipe, steps: others };
      }
      for (const simpler of simplerSteps(step)) yield replaced(i, [simpler]);
      continue;
    }
    if (runs.length > 1) yield replaced(i, []);
    const busy = step.programs.filter(({ operations }) => operations.length > 0);
    if (busy.length > 0 && busy.length < step.programs.length) {
      yield replaced(i, [
        { do: 'run', programs: busy, ...(busy.length > 1 && step.isSeparate ? { isSeparate: true } : {}) },
      ]);
    } else if (busy.length === 1 && step.isSeparate === true) yield replaced(i, [{ do: 'run', programs: busy }]);
  }
  const most = Math.max(1, ...runs.map(({ programs }) => programs.length));
  if (most < recipe.vcpus) yield { ...recipe, vcpus: most };
  if (recipe.environment === 'hvm') yield { ...recipe, environment: 'pvh' };
}

/** With one operation that is simpler. */
function* simplerRuns(recipe: Recipe): Generator<Recipe> {
  let at = 0;
  for (const step of recipe.steps) {
    if (step.do !== 'run') continue;
    for (const { operations } of step.programs) {
      for (const operation of operations) {
        const place = at++;
        for (const simpler of simplerOperations(operation)) yield withOperation(recipe, place, simpler);
      }
    }
  }
}

function withOperation(recipe: Recipe, place: number, by: Operation): Recipe {
  let at = 0;
  return mapPrograms(recipe, ({ operations }) => ({
    operations: operations.map((operation) => (at++ === place ? by : operation)),
  }));
}
