import { defineDevice, memory, port } from 'ioreqlab/device';

/**
 * For soaks: reads give a number that follows from the options and the place alone. A device model that died takes no
 * state of it along, so that what a guest reads is known whatever was killed when.
 */
export default defineDevice({
  name: 'soak-pattern',
  regions: { port: port({ size: 4 }), memory: memory({ size: 0x1000 }) },
  create({ key }: { key: number }) {
    return {
      port: { read: (offset) => key >>> (offset * 8), write: () => undefined },
      memory: { read: (offset) => (key ^ offset) >>> 0, write: () => undefined },
    };
  },
});
