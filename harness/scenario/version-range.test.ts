import { describe, expect, it } from 'vitest';
import { isInRange } from './version-range.ts';

describe('a version is in a range', () => {
  it.each([
    ['4.17.5', '<4.20', true],
    ['4.20.0', '<4.20', false],
    ['4.20.5-pre', '>=4.20', true],
    ['4.14.6', '>4.14', false],
    ['4.15.0', '>4.14', true],
    ['4.14.6', '<=4.14', true],
    ['4.14.6', '<=4.14.5', false],
    ['4.17.3', '4.17', true],
    ['4.18.0', '4.17', false],
    ['4.17.3', '=4.17.3', true],
    ['4.17.4', '4.17.3', false],
  ])('%s, %s: %s', (version, range, expected) => {
    expect(isInRange(version, range)).toBe(expected);
  });

  it('that has holes: all of a part, any of the parts', () => {
    const range = '<4.18.5 || >=4.19 <4.19.2';
    const versions = ['4.17.7', '4.18.4', '4.18.5', '4.18.6', '4.19.0', '4.19.1', '4.19.2', '4.20.0'];
    expect(versions.filter((version) => isInRange(version, range))).toEqual(['4.17.7', '4.18.4', '4.19.0', '4.19.1']);
  });

  it('as the release before, while it is on the way to one', () => {
    expect(isInRange('4.18.5-pre', '<4.18.5')).toBe(true);
    expect(isInRange('4.20.0-rc', '<4.20')).toBe(true);
    expect(isInRange('4.23-unstable', '>=4.22')).toBe(true);
    expect(isInRange('4.23-unstable', '<4.23')).toBe(true);
    expect(isInRange('4.23-unstable', '4.23')).toBe(true);
  });

  it('as the newest release, when it is a branch: the model has those', () => {
    expect(isInRange('4.18', '<4.18.5')).toBe(false);
    expect(isInRange('4.17', '<4.18.5')).toBe(true);
  });

  it('and what is no range or no version is refused', () => {
    for (const range of ['', '< 4.20', 'old', '<4', '4.20 |', '<4.20 ||']) {
      expect(() => isInRange('4.20.1', range)).toThrow(/is no range of versions/);
    }
    expect(() => isInRange('the newest', '<4.20')).toThrow(/is no version/);
  });
});
