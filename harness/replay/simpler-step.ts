import { attachOfParts, fuzzDevice, partsOfAttach } from '../fuzz/known-devices.ts';
import type { RecipeStep } from './recipe.ts';

/** Steps that are simpler than one, each in one respect. */
export function* simplerSteps(step: RecipeStep): Generator<RecipeStep> {
  if (step.do === 'server' && step.options !== undefined) {
    const { options: _options, ...plain } = step;
    yield plain;
  }
  if (step.do !== 'attach' || step.device !== fuzzDevice) return;
  const parts = partsOfAttach(step);
  const half = parts.length >> 1;
  if (half > 1) {
    yield attachOfParts(step.server, parts.slice(0, half));
    yield attachOfParts(step.server, parts.slice(half));
  }
  for (let i = 0; i < parts.length && parts.length > 1; i++) yield attachOfParts(step.server, parts.toSpliced(i, 1));
  for (const [i, part] of parts.entries()) {
    if (part.behaviour === 'stream') yield attachOfParts(step.server, parts.with(i, { ...part, behaviour: 'bytes' }));
    if (part.key !== 0) yield attachOfParts(step.server, parts.with(i, { ...part, key: 0 }));
    if (part.vcpu !== 0) yield attachOfParts(step.server, parts.with(i, { ...part, vcpu: 0 }));
  }
}
