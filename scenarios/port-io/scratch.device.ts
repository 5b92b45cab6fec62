import { defineDevice, port } from 'ioreqlab/device';

/** A four-byte register that remembers what was written. */
export default defineDevice({
  name: 'scratch',
  regions: { register: port({ size: 4 }) },
  create({ initial = 0 }: { initial?: number }) {
    let value = initial >>> 0;
    return {
      register: {
        read: (offset) => value >>> (offset * 8),
        write: (offset, size, next) => {
          const mask = size === 4 ? 0xffffffff : (1 << (size * 8)) - 1;
          value = ((value & ~(mask << (offset * 8))) | ((next & mask) << (offset * 8))) >>> 0;
        },
      },
    };
  },
});
