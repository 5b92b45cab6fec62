import { defineDevice } from '../device/define-device.ts';
import { port } from '../device/region.ts';

/** What the C yardstick has at each of its ports: four bytes that remember what was written. */
export default defineDevice({
  name: 'bench-register',
  regions: { register: port({ size: 4 }) },
  create() {
    let value = 0;
    return {
      register: {
        read: (offset) => value >>> (offset * 8),
        write: (_offset, _size, next) => {
          value = next;
        },
      },
    };
  },
});
