import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { GuestIdentity } from '../host/guest-session.ts';
import type { Mismatch } from '../oracle/oracle-watch.ts';
import type { RecipeStep } from '../replay/recipe.ts';
import type { Replay } from '../replay/replay-file.ts';

/** A scenario that does more keeps none of it. */
const maxOperations = 50_000;

/** What a scenario has done, so that `ioreqlab replay` can do it again. */
export class RecipeLog {
  readonly #guest: GuestIdentity;
  readonly #steps: RecipeStep[] = [];
  #operations = 0;

  constructor(guest: GuestIdentity) {
    this.#guest = guest;
  }

  add(step: RecipeStep): void {
    if (step.do === 'run') {
      this.#operations = step.programs.reduce((sum, { operations }) => sum + operations.length, this.#operations);
    }
    if (this.#operations <= maxOperations) this.#steps.push(step);
  }

  /**
   * Writes `mismatch.json`.
   *
   * @returns what to do with it
   */
  async keep(
    directory: string,
    origin: Pick<Replay, 'xen' | 'host' | 'scenario'>,
    { programs, servers, comparison }: Mismatch,
  ): Promise<string> {
    if (this.#operations > maxOperations) return 'the scenario has run too much for a file that shows it again';
    // Only now: loading takes time, and most scenarios do without it.
    const [{ disagreementOf }, { writeReplay }] = await Promise.all([
      import('../replay/disagreement.ts'),
      import('../replay/replay-file.ts'),
    ]);
    const found = disagreementOf({ programs }, servers, [comparison]);
    if (found === undefined) return '';
    const { signature, expected, seen } = found;
    const file = join(directory, 'mismatch.json');
    await mkdir(directory, { recursive: true });
    const { environment, vcpus } = this.#guest;
    const recipe = { environment, vcpus, steps: [...this.#steps] };
    await writeReplay(file, { ...origin, recipe, signature, expected, seen });
    return `next: ioreqlab replay ${relative(process.cwd(), file) || file}`;
  }
}
