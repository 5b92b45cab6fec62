import { defineDevice, memory, port } from 'ioreqlab/device';

/** As many ranges as Xen takes of one server, of each kind: a register of 4 bytes in each. */
const count = 256;

const names = (kind: string): string[] => Array.from({ length: count }, (_, i) => `${kind}${i}`);

export default defineDevice({
  name: 'many-registers',
  regions: Object.fromEntries([
    ...names('port').map((name) => [name, port({ size: 4 })] as const),
    ...names('memory').map((name) => [name, memory({ size: 4 })] as const),
  ]),
  create() {
    const registers = [...names('port'), ...names('memory')].map((name) => {
      let value = 0;
      const handler = {
        read: (offset: number) => value >>> (offset * 8),
        write: (_offset: number, _size: number, next: number) => {
          value = next;
        },
      };
      return [name, handler] as const;
    });
    return Object.fromEntries(registers);
  },
});
