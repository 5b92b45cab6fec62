import { describe, expect, it } from 'vitest';
import { factsOf, type XenChangeName, xenChanges } from './versions.ts';

const has = (version: string): XenChangeName[] => {
  const facts = factsOf(version);
  return (Object.keys(facts) as XenChangeName[]).filter((name) => facts[name]);
};

describe('the facts of a version', () => {
  it('of a release of a branch come with it', () => {
    expect(factsOf('4.17.0').pinnedRangesLimited).toBe(false);
    expect(factsOf('4.17.1').pinnedRangesLimited).toBe(true);
    expect(factsOf('4.18.0').pinnedRangesLimited).toBe(true);
    expect(factsOf('4.14.5').pinnedRangesLimited).toBe(false);
    expect(factsOf('4.14.6').pinnedRangesLimited).toBe(true);
    // The branch never got it.
    expect(factsOf('4.18.6').legacyGfnsUsable).toBe(false);
    expect(factsOf('4.19.3').legacyGfnsUsable).toBe(false);
    expect(factsOf('4.19.4').legacyGfnsUsable).toBe(true);
    expect(factsOf('4.20.1').legacyGfnsUsable).toBe(false);
  });

  it('of a branch are those of its newest release', () => {
    expect(factsOf('4.14')).toEqual(factsOf('4.14.6'));
    expect(factsOf('4.20')).toEqual(factsOf('4.20.4'));
  });

  it('of what is on the way to a release are those of the one before', () => {
    expect(factsOf('4.20.2-pre')).toEqual(factsOf('4.20.1'));
    expect(factsOf('4.20.5-pre')).toEqual(factsOf('4.20.4'));
  });

  it('differ between what Debian ships', () => {
    const came = (before: string, after: string) => has(after).filter((name) => !has(before).includes(name));
    expect(came('4.14.6', '4.17.5')).toEqual(
      expect.arrayContaining(['nrVcpus', 'resourceFramesBounded', 'relocationWrapsRefused', 'invalidateOnRemoval']),
    );
    expect(came('4.17.5', '4.20.4')).toEqual(
      expect.arrayContaining(['unsignedPirq', 'honestBufferedSend', 'legacyGfnsUsable', 'buffersCounted']),
    );
    expect(came('4.20.4', '4.14.6')).toEqual([]);
  });

  it('only come, and never go, along a branch and along the main line', () => {
    const lines = [...[11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22].map((minor) => `4.${minor}.0`)];
    lines.reduce((before, after) => {
      expect(has(after)).toEqual(expect.arrayContaining(has(before)));
      return after;
    });
    expect(has('4.22.0')).toEqual(Object.keys(xenChanges));
  });

  it('are refused for what there is no model of', () => {
    for (const version of ['4.10', '4.23', '5.0', '4', '', '4.17.x', 'v4.17']) {
      expect(() => factsOf(version)).toThrow(expect.objectContaining({ code: 'XEN_MODEL_UNKNOWN' }) as Error);
    }
  });
});
