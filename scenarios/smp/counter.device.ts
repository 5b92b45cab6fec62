import { defineDevice, port } from 'ioreqlab/device';

/** A port whose every read gives the next number, and which gives that number only once. */
export default defineDevice({
  name: 'counter',
  regions: { next: port({ size: 4 }) },
  create() {
    let count = 0;
    return { next: { read: () => count++ } };
  },
});
