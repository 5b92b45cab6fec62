import { defineDevice, port } from 'ioreqlab/device';

/** A data port that gives 1, 2, 3, ... and mixes what is written to it into a sum, and another port with that sum. */
export default defineDevice({
  name: 'stream',
  regions: { data: port({ size: 4 }), sum: port({ size: 4 }) },
  create() {
    let next = 0;
    let sum = 0;
    return {
      data: {
        read: () => ++next,
        write: (_offset, _size, value) => {
          sum = mix(sum, value);
        },
      },
      sum: { read: () => sum },
    };
  },
});

/** Depends on the order of the values. */
export function mix(sum: number, value: number): number {
  return (Math.imul(sum, 31) + value) >>> 0;
}
