import { defineDevice, port } from 'ioreqlab/device';

/** A port whose every read gives the next number; all instances of the device count together. */
export default defineDevice({
  name: 'shared-counter',
  regions: { next: port({ size: 4 }) },
  create(_options, { shared }) {
    const count = new Int32Array(shared('count', 4));
    return { next: { read: () => Atomics.add(count, 0, 1) } };
  },
});
