import { defineDevice, port } from 'ioreqlab/device';

/** For tests of runs: four bytes that remember what was written to them as a whole. */
export default defineDevice({
  name: 'e2e-register',
  regions: { register: port({ size: 4 }) },
  create() {
    let value = 0;
    return {
      register: {
        read: (offset) => value >>> (offset * 8),
        write: (_offset, _size, next) => {
          value = next;
        },
      },
    };
  },
});
