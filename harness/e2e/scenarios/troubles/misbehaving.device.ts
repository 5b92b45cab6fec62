import { defineDevice, port } from 'ioreqlab/device';

/** For tests of runs: a port whose handler does what no handler should. */
export default defineDevice({
  name: 'e2e-misbehaving',
  regions: { trap: port({ size: 4 }) },
  create({ how }: { how: 'throw' | 'hang' | 'die' }) {
    return {
      trap: {
        read: () => {
          if (how === 'throw') throw new Error('thrown on purpose');
          if (how === 'die') process.kill(process.pid, 'SIGKILL');
          for (;;);
        },
      },
    };
  },
});
