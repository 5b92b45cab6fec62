import { defineDevice, memory, port, type Device } from '../../device/index.ts';

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

/** Cannot be made. */
const refusing = defineDevice({
  name: 'refusing',
  regions: { any: port({ size: 1 }) },
  create() {
    throw new Error('no such disk');
  },
});

/** What the bundle of worker-bundle.ts registers. */
export const testDevices = [register, adder, broken, refusing] as unknown as readonly Device[];
