import { defineDevice, port } from 'ioreqlab/device';

/**
 * A register whose first read kills the device model's process, in the middle of the request. Whether it was the first is
 * remembered where it outlives the process: in a word of guest memory, which is 0 before.
 */
export default defineDevice({
  name: 'mortal',
  regions: { register: port({ size: 4 }) },
  create({ remember, value }: { remember: number; value: number }, { memory }) {
    return {
      register: {
        read: () => {
          if (memory.read(remember, 4) === 0) {
            memory.write(remember, 4, 1);
            process.kill(process.pid, 'SIGKILL');
            for (;;); // until the signal is there
          }
          return value;
        },
      },
    };
  },
});
