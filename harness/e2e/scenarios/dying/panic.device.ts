import { writeFileSync } from 'node:fs';
import { defineDevice, port } from 'ioreqlab/device';

/** For tests of runs: a port that takes dom0 down when it is read. */
export default defineDevice({
  name: 'e2e-panic',
  regions: { button: port({ size: 1 }) },
  create() {
    return {
      button: {
        read: () => {
          // Linux's Documentation/admin-guide/sysrq.rst: crashes.
          writeFileSync('/proc/sysrq-trigger', 'c');
          return 0;
        },
      },
    };
  },
});
