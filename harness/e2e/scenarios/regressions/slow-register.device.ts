import { defineDevice, port } from 'ioreqlab/device';

/** A register of a byte that takes its time: so many turns of a loop before it is read. */
export default defineDevice({
  name: 'e2e-slow-register',
  regions: { register: port({ size: 1 }) },
  create({ turns = 0 }: { turns?: number }) {
    // Kept, so that no compiler finds the loop useless.
    let waste = 1;
    return {
      register: {
        read: () => {
          for (let i = 0; i < turns; i++) waste = (waste * 5 + i) | 0;
          return 0x5a;
        },
      },
    };
  },
});
