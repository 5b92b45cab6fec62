import { defineDevice, port } from 'ioreqlab/device';

/** A port that reads as the seconds by which the guest has moved its clock so far, modulo 2^32. */
export default defineDevice({
  name: 'clock',
  regions: { moved: port({ size: 4, widths: [4] }) },
  create() {
    let moved = 0;
    return {
      moved: { read: () => moved >>> 0 },
      timeOffset: (seconds) => {
        moved += seconds;
      },
    };
  },
});
