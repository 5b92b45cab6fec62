import { defineDevice, memory } from 'ioreqlab/device';

/** A page of bytes behind MMIO, read and written in any width. */
export default defineDevice({
  name: 'window',
  regions: { page: memory({ size: 4096 }) },
  create() {
    const bytes = new DataView(new ArrayBuffer(4096 + 8));
    return {
      page: {
        read: (offset, size) =>
          size === 4
            ? bytes.getUint32(offset, true)
            : size === 2
              ? bytes.getUint16(offset, true)
              : bytes.getUint8(offset),
        write: (offset, size, value) => {
          if (size === 4) bytes.setUint32(offset, value, true);
          else if (size === 2) bytes.setUint16(offset, value, true);
          else bytes.setUint8(offset, value);
        },
      },
    };
  },
});
