import { defineDevice, memory, pciFunction, port, type Claim, type RegionHandler } from 'ioreqlab/device';

/** A piece of the device: a region of its own, named `r` and its number. */
interface Part {
  readonly space: 'port' | 'memory' | 'pci';
  /** Bytes. */
  readonly size: number;
  /** Other parts answer otherwise. */
  readonly key: number;
  /** `bytes`: reads what was written, at first a pattern. `stream`: each answer follows from all accesses so far. */
  readonly behaviour: 'bytes' | 'stream';
}

const widths = [1, 2, 4, 8] as const;

/** Bits of a number, well mixed (the finalizer of MurmurHash3). */
function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

interface State {
  readonly handler: RegionHandler;
  reset(): void;
}

function bytes({ size, key }: Part): State {
  const view = new DataView(new ArrayBuffer(size));
  const reset = (): void => {
    for (let at = 0; at < size; at++) view.setUint8(at, mix(key + at));
  };
  reset();
  return {
    reset,
    handler: {
      read: (offset, width) =>
        width === 4 ? view.getUint32(offset, true) : width === 2 ? view.getUint16(offset, true) : view.getUint8(offset),
      write: (offset, width, value) => {
        if (width === 4) view.setUint32(offset, value, true);
        else if (width === 2) view.setUint16(offset, value, true);
        else view.setUint8(offset, value);
      },
      read8: (offset, result) => {
        result[0] = view.getUint32(offset, true);
        result[1] = view.getUint32(offset + 4, true);
      },
      write8: (offset, low, high) => {
        view.setUint32(offset, low, true);
        view.setUint32(offset + 4, high, true);
      },
    },
  };
}

function stream({ key }: Part): State {
  let state = key;
  const next = (offset: number, width: number): number => (state = mix(state + offset * 16 + width));
  const take = (offset: number, width: number, value: number): void => {
    state = mix(next(offset, width) ^ value);
  };
  return {
    reset: () => {
      state = key;
    },
    handler: {
      read: next,
      write: take,
      read8: (offset, result) => {
        result[0] = next(offset, 8);
        result[1] = next(offset + 4, 8);
      },
      write8: (offset, low, high) => {
        take(offset, 8, low);
        take(offset + 4, 8, high);
      },
    },
  };
}

/** As `pciRegisters` of layout.ts says. */
const registers = { offset: 0x40, size: 0xc0 } as const;

function claimOf({ space, size }: Part): Claim {
  if (space === 'pci') return pciFunction({ vendor: 0x1b36, device: 0x00f2, class: 0xff0000, registers });
  return (space === 'port' ? port : memory)({ size, widths });
}

/**
 * The device of generated programs: any number of regions, whose answers follow from what each was asked so far;
 * `known-devices.ts` knows them. No two vCPUs may use the same region.
 */
export default defineDevice({
  name: 'ioreqlab-fuzz',
  regions: ({ parts }: { readonly parts: readonly Part[] }): Record<string, Claim> =>
    Object.fromEntries(parts.map((part, i) => [`r${i}`, claimOf(part)])),
  create({ parts }: { readonly parts: readonly Part[] }) {
    const states = parts.map((part) => (part.behaviour === 'bytes' ? bytes(part) : stream(part)));
    const handlers = states.map(({ handler }, i) =>
      parts[i]?.space === 'pci' ? { bars: {}, config: handler } : handler,
    );
    return Object.assign(
      { reset: () => states.forEach((state) => state.reset()) },
      Object.fromEntries(handlers.map((handler, i) => [`r${i}`, handler])),
    ) as Record<string, RegionHandler>;
  },
});
