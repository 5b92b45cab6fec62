import { defineDevice, memory, port } from 'ioreqlab/device';

/** Takes all widths, each only at multiples of it; what is read tells offset and width. */
export default defineDevice({
  name: 'aligned',
  regions: {
    ports: port({ size: 8, alignment: 'natural' }),
    page: memory({ size: 0x1000, alignment: 'natural' }),
  },
  create() {
    const read = (offset: number, size: number): number => (offset << 4) | size;
    return { ports: { read }, page: { read } };
  },
});
