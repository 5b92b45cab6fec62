import { defineDevice, port } from 'ioreqlab/device';

/** Takes only words of two bytes; one region can only be read, the other only be written, and shows what was written. */
export default defineDevice({
  name: 'picky',
  regions: {
    readable: port({ size: 4, widths: [2] }),
    writable: port({ size: 4, widths: [2] }),
    last: port({ size: 4 }),
  },
  create() {
    let last = 0;
    return {
      readable: { read: (offset) => 0x1000 + offset },
      writable: { write: (offset, _size, value) => void (last = offset * 0x10000 + value) },
      last: { read: () => last },
    };
  },
});
