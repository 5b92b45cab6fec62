import { expect, it, vi } from 'vitest';
import { forgeSlots } from './testing/forged-slots.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

it('forged slots, states and buffered entries are answered, and no handler is led astray', async () => {
  const { buffered, spoiled, troubles } = await forgeSlots(5_000, 0x8765_4321);
  expect(troubles).toEqual([]);
  expect(buffered).toBeGreaterThan(5);
  expect(spoiled).toBeGreaterThan(50);
});
