import type { Environment } from '../../src/agent/protocol.ts';
import type { TraceSetup } from '../../src/model/oracle/check-trace.ts';
import { rulesOf } from '../../src/model/oracle/rules.ts';

/** The first address after the RAM of every guest of ours: 64 MiB (harness/host/guest-pool.ts). */
export const endOfRam = 0x400_0000n;

/**
 * Whether a guest of ours has RAM there (xg_dom_x86.c of Xen's libxenguest): from 0 on, with a hole for video memory where
 * there is a QEMU, and some pages below 0xff000000 that Xen and the toolstack talk through.
 */
export function isGuestRam(environment: Environment, address: bigint): boolean {
  if (environment === 'hvm' && address >= 0xa_0000n && address < 0xc_0000n) return false;
  return address < endOfRam || (address >= 0xfeff_0000n && address < 0xff00_0000n);
}

/**
 * What the oracle goes by for a guest of ours.
 *
 * @param version Xen's
 * @throws LabError `XEN_MODEL_UNKNOWN`
 */
export function setupOf(environment: Environment, version: string): TraceSetup {
  return {
    rules: rulesOf(version),
    platform: environment,
    isRam: (address) => isGuestRam(environment, address),
  };
}
