import { expect, it } from 'vitest';
import { CollectionCounter } from './collection-counter.ts';

/** Lets garbage collections happen without a turn of the event loop. */
function litter(): number {
  let last: unknown = 0;
  for (let i = 0; i < 1_000_000; i++) last = { i, last: i % 2 === 0 ? undefined : last };
  return last === undefined ? 0 : 1;
}

it('counts the collections of a stretch, and of no other', () => {
  const counter = new CollectionCounter();
  litter();
  counter.start();
  litter();
  expect(counter.stop()).toBeGreaterThan(0);
  litter();
  expect(counter.stop()).toBe(0);
  counter.start();
  expect(counter.stop()).toBe(0);
});
