import { defineDevice, memory, port, type Device, type RegionHandler } from '../../device/index.ts';

/** A register of four bytes. */
const register = defineDevice({
  name: 'register',
  regions: { value: port({ size: 4 }) },
  create({ initial = 0 }: { initial?: number }) {
    let value = initial;
    return {
      value: {
        read: (offset) => value >>> (offset * 8),
        write: (_offset, _size, next) => {
          value = next;
        },
      },
    };
  },
});

/** A port and memory; a write of a guest-physical address to the port adds one to the word that is there. */
const adder = defineDevice({
  name: 'adder',
  regions: { command: port({ size: 4 }), registers: memory({ size: 16, widths: [4] }) },
  create(_options: Record<string, never>, { memory: guest }) {
    return {
      command: { write: (_offset, _size, address) => guest.write(address, 4, guest.read(address, 4) + 1) },
      registers: { read: (offset) => offset },
    };
  },
});

/**
 * Does what a handler must not: a read throws, or never returns; a write of 1 never returns, one of 2 returns late, one
 * of 3 ends the thread.
 */
const broken = defineDevice({
  name: 'broken',
  regions: { trigger: port({ size: 4 }) },
  create({ isStuck = false }: { isStuck?: boolean }) {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    return {
      trigger: {
        read: () => {
          if (isStuck) Atomics.wait(cell, 0, 0);
          throw new Error('this handler is broken');
        },
        write: (_offset, _size, value) => {
          if (value === 1) Atomics.wait(cell, 0, 0);
          if (value === 2) Atomics.wait(cell, 0, 0, 900);
          if (value === 3) process.exit(3);
        },
      },
    };
  },
});

/** Throws when it is asked for what is not its own: the dispatcher is to keep that away. */
const watchful = defineDevice({
  name: 'watchful',
  regions: {
    port: port({ size: 8 }),
    last: port({ size: 2, widths: [2] }),
    page: memory({ size: 4096 }),
    high: memory({ size: 0x10_0000, widths: [1, 4] }),
  },
  create() {
    const watch = (size: number, widths: readonly number[]): RegionHandler => {
      const check = (offset: number, width: number): void => {
        const isInside = Number.isInteger(offset) && offset >= 0 && offset + width <= size && widths.includes(width);
        if (!isInside) throw new Error(`an access of ${width} bytes at ${offset} of a region of ${size}`);
      };
      return {
        read: (offset, width) => (check(offset, width), offset),
        write: (offset, width, value) => {
          check(offset, width);
          if (!(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width))) throw new Error(`${value} written`);
        },
      };
    };
    return {
      port: watch(8, [1, 2, 4]),
      last: watch(2, [2]),
      page: watch(4096, [1, 2, 4]),
      high: watch(0x10_0000, [1, 4]),
    };
  },
});

/** Cannot be made. */
const refusing = defineDevice({
  name: 'refusing',
  regions: { any: port({ size: 1 }) },
  create() {
    throw new Error('no such disk');
  },
});

/** Makes a megabyte of garbage with each read. */
const littering = defineDevice({
  name: 'littering',
  regions: { any: port({ size: 4 }) },
  create: () => ({ any: { read: () => Array.from({ length: 50_000 }, (_, i) => ({ i })).length } }),
});

/** Every read gives the next number, whichever instance it reaches; `random`: the instances do not agree. */
const tally = defineDevice({
  name: 'tally',
  regions: { next: port({ size: 4 }) },
  create({ random = false }: { random?: boolean }, { shared }) {
    const count = new Int32Array(shared(random ? `count ${Math.random()}` : 'count', 4));
    return { next: { read: () => Atomics.add(count, 0, 1) } };
  },
});

/** What the bundle of worker-bundle.ts registers. */
export const testDevices = [
  register,
  adder,
  broken,
  watchful,
  refusing,
  littering,
  tally,
] as unknown as readonly Device[];
