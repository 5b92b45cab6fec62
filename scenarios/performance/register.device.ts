import { defineDevice, port } from 'ioreqlab/device';

/** A register of 4 bytes; with `turns`, one that takes its time: so many turns of a loop before it is read. */
export default defineDevice({
  name: 'performance-register',
  regions: { register: port({ size: 4 }) },
  create({ initial = 0, turns = 0 }: { initial?: number; turns?: number }) {
    let value = initial >>> 0;
    // Kept, so that no compiler finds the loop useless.
    let waste = 1;
    return {
      register: {
        read: (offset) => {
          for (let i = 0; i < turns; i++) waste = (waste * 5 + i) | 0;
          return value >>> (offset * 8);
        },
        write: (_offset, _size, next) => {
          value = next;
        },
      },
    };
  },
});
