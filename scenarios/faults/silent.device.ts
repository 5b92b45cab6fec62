import { defineDevice, port } from 'ioreqlab/device';

/** A register whose reads never return. */
export default defineDevice({
  name: 'silent',
  regions: { register: port({ size: 4 }) },
  create() {
    return {
      register: {
        read: () => {
          for (;;);
        },
        write: () => {},
      },
    };
  },
});
