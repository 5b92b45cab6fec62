import { defineDevice, port } from 'ioreqlab/device';

const clock = new Int32Array(new SharedArrayBuffer(4));

/** A port whose every access takes its time, and reads as the number of accesses so far. */
export default defineDevice({
  name: 'slow',
  regions: { register: port({ size: 4 }) },
  create({ ms = 200 }: { readonly ms?: number }) {
    let count = 0;
    const wait = (): void => void Atomics.wait(clock, 0, 0, ms);
    return {
      register: {
        read: () => {
          wait();
          return ++count;
        },
        write: () => {
          wait();
          count++;
        },
      },
    };
  },
});
