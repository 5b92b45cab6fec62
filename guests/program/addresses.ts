import { MEMORY } from './format.ts';

/** A half-open range of guest-physical addresses. */
export interface AddressRange {
  /** The first address. */
  readonly start: bigint;
  /** The first address after it. */
  readonly end: bigint;
}

/** RAM that programs may use as they like; nothing of the guest lies there. */
export const SCRATCH: AddressRange = {
  start: BigInt(MEMORY.scratchBase),
  end: BigInt(MEMORY.scratchBase + MEMORY.scratchSize),
};

/**
 * Frames without RAM in a 64 MiB guest, for devices in memory: below 4 GiB up to where Xen puts its own pages
 * (HVM_BELOW_4G_MMIO_START is 0xf0000000).
 */
export const HOLE_BELOW_4G: AddressRange = { start: 0x1000_0000n, end: 0xe000_0000n };
/** The same above 4 GiB, as far as the smallest map of the guest reaches. */
export const HOLE_ABOVE_4G: AddressRange = { start: 0x1_0000_0000n, end: 0x2_0000_0000n };

/** The guest's own memory (code, stacks, mailboxes): operations that would write there are refused. */
export const GUEST_OWN: AddressRange = { start: BigInt(MEMORY.imageBase), end: BigInt(MEMORY.scratchBase) };

/** Guest-physical address of a vCPU's mailbox window. */
export function windowAddress(vcpu: number): number {
  return MEMORY.windowBase + vcpu * MEMORY.windowStride;
}
