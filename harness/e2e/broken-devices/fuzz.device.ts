import { defineDevice, type RegionHandler } from 'ioreqlab/device';
import right from '../../fuzz/fuzz.device.ts';

/** The device of generated programs with a bug: of what is written in four bytes it forgets the highest. */
export default defineDevice({
  name: right.name,
  regions: right.regions,
  create(options: Parameters<typeof right.create>[0], context) {
    const instance = { ...right.create(options, context) } as Record<string, RegionHandler>;
    for (const handler of Object.values(instance)) {
      const { write } = handler;
      if (write === undefined) continue;
      handler.write = (offset, size, value) => write(offset, size, size === 4 ? value & 0xff_ffff : value);
    }
    return instance;
  },
});
