import type { Device } from '../../src/device/index.ts';
import { LabError } from '../../src/errors.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { disagreementOf, disagreementOfError, type Disagreement } from './disagreement.ts';
import type { Lab } from './lab.ts';
import { Player, type Played } from './player.ts';
import type { Recipe } from './recipe.ts';

/** How a recipe is judged. */
export interface JudgeOptions {
  readonly deviceNamed: (name: string) => Device;
  /** Real time that a run may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Does a recipe and says how what is seen differs from what the oracle expects; undefined when it does not. A guest that is
 * broken is given up, a host that died is started again.
 *
 * @throws what says nothing about guest, device model and Xen: the lab is broken, or the recipe makes no sense
 */
export async function judge(
  lab: Lab,
  recipe: Recipe,
  { deviceNamed, timeoutMs, signal }: JudgeOptions,
): Promise<Disagreement | undefined> {
  signal.throwIfAborted();
  const guest = await lab.guest(recipe.environment, recipe.vcpus);
  const player = new Player(guest, lab.xenVersion, deviceNamed);
  const stop = lab.onEvent((event) => player.hear(event));
  try {
    for (const step of recipe.steps) {
      const late = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const played: Played | undefined = await player.play(step, late);
      if (played === undefined || step.do !== 'run') continue;
      if (player.trouble !== undefined) throw player.trouble;
      const found = disagreementOf(step, played.run.servers, player.compare(played));
      if (found !== undefined) return found;
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return await mend(lab, guest, error, recipe);
  } finally {
    stop();
    if (!guest.isBusy) await player.close().catch(() => undefined); // its guest is gone
  }
}

/**
 * Puts the lab together again after an error.
 *
 * @returns what the error says about guest, device model or Xen
 * @throws the error, explained, when it says nothing of the kind
 */
export async function mend(lab: Lab, guest: GuestSession, error: unknown, recipe: Recipe): Promise<Disagreement> {
  const explained = await lab.explain(error);
  const found = disagreementOfError(explained, recipe);
  if (found === undefined) throw explained;
  if (found.isHostDead !== true)
    await lab.discard(guest).catch(() => undefined); // gone already
  else if (!(await lab.restart())) {
    throw explained instanceof LabError ? Object.assign(explained, { disagreement: found }) : explained;
  }
  return found;
}
