import { describe, expect, it, vi } from 'vitest';
import type { Operation } from '../../guests/program/index.ts';
import { makeLayout, makeRun, recipeOf } from '../fuzz/batch.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import type { Disagreement } from './disagreement.ts';
import { countOperations, type Recipe } from './recipe.ts';
import { shrink } from './shrink.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 120_000 });

const layout = makeLayout(9, 1, 'pvh', 4);
const recipe = recipeOf(layout, makeRun(setupOf('pvh', '4.20'), layout, 5, 150).programs);
const disagreement: Disagreement = { kind: 'answer', signature: 'wrong', expected: [], seen: [], text: '' };

const operationsOf = ({ steps }: Recipe): Operation[] =>
  steps.flatMap((step) => (step.do === 'run' ? step.programs.flatMap(({ operations }) => operations) : []));

/** Shows it when there is such a pair of operations, one after the other on the same vCPU. */
const pairShows = async ({ steps }: Recipe): Promise<Disagreement | undefined> => {
  const programs = steps.flatMap((step) => (step.do === 'run' ? step.programs : []));
  const isShown = programs.some(({ operations }) => {
    const write = operations.findIndex(({ op }) => op === 'out');
    return write !== -1 && operations.slice(write).some(({ op }) => op === 'in');
  });
  return isShown ? disagreement : undefined;
};

describe('shrinking', () => {
  it('leaves the two operations of many that show it, and no more than they need', async () => {
    expect(countOperations(recipe)).toBeGreaterThan(500);
    const shown = await shrink({ recipe, disagreement }, { judge: pairShows, tries: 2_000 });
    const operations = operationsOf(shown?.recipe ?? recipe);
    expect(operations.map(({ op, ...rest }) => [op, 'rax' in rest && rest.rax])).toEqual([
      ['out', 0n],
      ['in', 0n],
    ]);
    expect(shown?.recipe).toMatchObject({ vcpus: 1, environment: 'pvh' });
    expect(shown?.recipe.steps.map((step) => step.do)).toEqual(['run']);
  });

  it('begins at the place where it shows', async () => {
    const tried: number[] = [];
    const judge = async (one: Recipe): Promise<Disagreement | undefined> => {
      tried.push(countOperations(one));
      return undefined;
    };
    const at = { vcpu: 2, operation: 20 };
    expect(await shrink({ recipe, disagreement: { ...disagreement, at } }, { judge, tries: 10 })).toBeUndefined();
    // Of that vCPU only what comes before it; then, in vain, everything.
    expect(tried).toEqual([21, countOperations(recipe)]);
  });

  it('does not take a crash for a wrong answer', async () => {
    const judge = async (): Promise<Disagreement> => ({ ...disagreement, kind: 'gone' });
    expect(await shrink({ recipe, disagreement }, { judge, tries: 10 })).toBeUndefined();
  });

  it('tries no more often than it may', async () => {
    let tries = 0;
    const judge = async (): Promise<Disagreement> => {
      tries++;
      return disagreement;
    };
    await shrink({ recipe, disagreement }, { judge, tries: 7 });
    expect(tries).toBe(7);
  });
});
