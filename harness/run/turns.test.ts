import { expect, it } from 'vitest';
import { turnsOf } from './run.ts';

it('hosts take turns in blocks of A B B A: none is always the first', () => {
  const order = (hosts: string[], turns: number): string =>
    turnsOf(hosts, turns)
      .map(({ lab, turn }) => `${lab}${turn}`)
      .join(' ');
  expect(order(['a', 'b'], 4)).toBe('a1 b1 b2 a2 a3 b3 b4 a4');
  expect(order(['a', 'b', 'c'], 2)).toBe('a1 b1 c1 c2 b2 a2');
});
