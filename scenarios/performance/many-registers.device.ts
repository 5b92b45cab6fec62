import { defineDevice, memory, port } from 'ioreqlab/device';

const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${kind}${i}`);

/** `count` registers of 4 bytes in ports and as many in memory, each a range of its own: Xen takes 256 of each kind. */
export default defineDevice({
  name: 'many-registers',
  regions: ({ count }: { count: number }) =>
    Object.fromEntries([
      ...names('port', count).map((name) => [name, port({ size: 4 })] as const),
      ...names('memory', count).map((name) => [name, memory({ size: 4 })] as const),
    ]),
  create({ count }) {
    const registers = [...names('port', count), ...names('memory', count)].map((name) => {
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
