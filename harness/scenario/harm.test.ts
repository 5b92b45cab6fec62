import { describe, expect, it } from 'vitest';
import { harmOf, HARMS, isAtMost } from './harm.ts';

describe('what a scenario may take along', () => {
  it('is what its file says, and nothing by default', () => {
    expect(harmOf("scenario('x', { harms: 'host' }, async () => {});")).toBe('host');
    expect(harmOf("scenario(\n  'x',\n  { environments: ['pvh'],\n    harms: 'guest' },\n")).toBe('guest');
    expect(harmOf("scenario('x', async () => {});")).toBe('none');
  });

  it('is not what its comments say', () => {
    expect(harmOf("/**\n * harms: 'host'\n */\n// harms: 'host'\nscenario('x', async () => {});")).toBe('none');
    expect(harmOf("scenario('x', { harms: 'everything' }, async () => {});")).toBe('none');
  });

  it('has an order', () => {
    expect(HARMS.filter((harm) => isAtMost(harm, 'dom0'))).toEqual(['none', 'guest', 'dom0']);
  });
});
