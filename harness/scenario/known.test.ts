import { describe, expect, it } from 'vitest';
import type { KnownSeen } from '../../results/index.ts';
import { LabError } from '../../src/errors.ts';
import { expectKnown, type KnownDifference } from './known.ts';

const old: KnownDifference = { xen: '<4.20', reason: 'reads half of it', source: 'xen.git 0123456789' };
const fails = async (): Promise<void> => expect(1, 'half').toBe(2);
const passes = async (): Promise<void> => expect(1).toBe(1);

async function outcomeOf(
  difference: KnownDifference,
  body: () => Promise<unknown>,
  version: string,
): Promise<{ seen: KnownSeen[]; error: unknown }> {
  const seen: KnownSeen[] = [];
  const error: unknown = await expectKnown(difference, body, { version, note: (one) => seen.push(one) }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { seen, error };
}

describe('what is known to fail in some versions', () => {
  it('is noted where it fails, with how it showed', async () => {
    const { seen, error } = await outcomeOf(old, fails, '4.17.5');
    expect(error).toBeUndefined();
    expect(seen).toEqual([
      { reason: 'reads half of it', source: 'xen.git 0123456789', seen: expect.stringMatching(/half/) as string },
    ]);
  });

  it('fails in all others', async () => {
    const { seen, error } = await outcomeOf(old, fails, '4.20.1');
    expect([seen, error]).toMatchObject([[], { name: 'AssertionError' }]);
  });

  it('fails when it passes against that, and passes in all others', async () => {
    expect((await outcomeOf(old, passes, '4.17.5')).error).toMatchObject({
      ...{
        code: 'KNOWN_PASSED',
        blame: 'scenario',
        message: expect.stringMatching(/unexpectedly on Xen 4\.17\.5: reads half/),
      },
    });
    expect(await outcomeOf(old, passes, '4.20.0')).toEqual({ seen: [], error: undefined });
  });

  it('explains no mistake of the scenario, and nothing that broke', async () => {
    const mistake = new TypeError('x is not a function');
    const lost = new LabError('gone', { blame: 'guest', code: 'GUEST_GONE' });
    for (const error of [mistake, lost]) {
      expect(await outcomeOf(old, () => Promise.reject(error), '4.17.5')).toEqual({ seen: [], error });
    }
  });

  it('may show by an error of ours, if it says so', async () => {
    const lost = new LabError('gone', { blame: 'guest', code: 'GUEST_GONE' });
    const known = { ...old, code: 'GUEST_GONE' };
    expect((await outcomeOf(known, () => Promise.reject(lost), '4.17.5')).seen).toHaveLength(1);
    expect((await outcomeOf({ ...old, code: 'OTHER' }, () => Promise.reject(lost), '4.17.5')).error).toBe(lost);
  });

  it('may be a change of Xen that the model knows, and lies where no release has it', async () => {
    const change = { before: 'videoMemoryNotCached' } as const;
    expect(await outcomeOf(change, fails, '4.17.5')).toMatchObject({
      seen: [{ reason: /^not yet: Xen keeps no copy/, source: 'xen.git eb7cd0593d, XSA-463' }].map((one) => ({
        reason: expect.stringMatching(one.reason) as string,
        source: one.source,
      })),
    });
    // The branch has taken it back.
    expect((await outcomeOf(change, fails, '4.17.6')).error).toMatchObject({ name: 'AssertionError' });
    expect((await outcomeOf(change, passes, '4.17.6')).error).toBeUndefined();
  });
});

describe('what something else than Xen is said to do', () => {
  const claim = (evidence: () => Promise<unknown>): KnownDifference => ({ reason: 'the processor loses it', evidence });

  it('has to be shown', async () => {
    const { seen } = await outcomeOf(claim(passes), fails, '4.20.1');
    expect(seen).toMatchObject([{ reason: 'the processor loses it', source: 'evidence' }]);
    const { error, seen: none } = await outcomeOf(claim(fails), fails, '4.20.1');
    expect(none).toEqual([]);
    expect(error).toMatchObject({
      ...{
        code: 'KNOWN_NOT_SHOWN',
        blame: 'scenario',
        message: expect.stringMatching(/not explained by: the processor/),
      },
    });
  });

  it('is not asked for where nothing is wrong', async () => {
    const evidence = (): Promise<never> => Promise.reject(new Error('asked'));
    expect(await outcomeOf(claim(evidence), passes, '4.20.1')).toEqual({ seen: [], error: undefined });
  });

  it('is not shown by something that broke', async () => {
    const broken = new Error('no memory');
    expect(
      (
        await outcomeOf(
          claim(() => Promise.reject(broken)),
          fails,
          '4.20.1',
        )
      ).error,
    ).toBe(broken);
  });
});
