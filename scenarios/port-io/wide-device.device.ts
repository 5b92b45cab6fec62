import { defineDevice, port, type AccessWidth } from 'ioreqlab/device';

/** Regions of eight ports that take one width each, and one that takes aligned accesses only; read, they say where. */
export default defineDevice({
  name: 'wide-device',
  regions: {
    bytes: port({ size: 8, widths: [1] }),
    words: port({ size: 8, widths: [2] }),
    longs: port({ size: 8, widths: [4] }),
    aligned: port({ size: 8, alignment: 'natural' }),
  },
  create() {
    const region = (mark: number) => {
      let last = 0;
      return {
        read: (offset: number, size: AccessWidth) => (last === 0 ? mark + offset + 0x100 * size : last),
        write: (_offset: number, _size: AccessWidth, value: number) => {
          last = value;
        },
      };
    };
    return { bytes: region(0x40), words: region(0x50), longs: region(0x60), aligned: region(0x70) };
  },
});
