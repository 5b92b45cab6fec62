import { expect, faultAnswer, HOLE_BELOW_4G, type FaultStep, type GuestSession } from 'ioreqlab/scenario';

/** Where the server that misbehaves is. */
export const port = 0x5400;
export const page = HOLE_BELOW_4G.start;
export const ranges = [
  { kind: 'port', start: 0x5400n, end: 0x5407n },
  { kind: 'memory', start: page, end: page + 0xfffn },
] as const;

/** What its scenarios say of the oracle. */
export const oracle = 'off because a server that misbehaves has no trace';

/** What it answers of its own accord, in four and in eight bytes. */
export const usual = Number(faultAnswer & 0xffff_ffffn);
export const usualWide = faultAnswer;

/** The right end of a request. */
export const answered = (data: bigint): FaultStep[] => [{ do: 'answer', data }, { do: 'notify' }];

/**
 * Expects that a run ends the guest, and that Xen's log says why: a line before or after the one that names the domain. Debian
 * builds Xen without the messages of its own debug builds (gdprintk in xen/include/xen/lib.h).
 */
export async function expectCrash(
  guest: GuestSession,
  xenLog: () => Promise<string>,
  run: () => Promise<unknown>,
  reasons: readonly RegExp[],
): Promise<void> {
  await expect(run()).rejects.toMatchObject({ blame: 'guest', code: 'GUEST_GONE' });
  const lines = (await xenLog()).split('\n');
  const at = lines.findIndex((line) => line.includes(`Domain ${guest.domid} (vcpu#0) crashed`));
  expect(at, 'the line of Xen that says that the domain has crashed').toBeGreaterThan(-1);
  const said = lines.slice(Math.max(0, at - 6), at + 1).join('\n');
  for (const reason of reasons) expect(said).toMatch(reason);
}

/** Where wait_for_io gives a domain up. */
export const crashedInIoreq = /domain_crash called from \S*ioreq\.c:\d+/;
