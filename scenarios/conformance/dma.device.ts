import { defineDevice, memory } from 'ioreqlab/device';

/** Copies guest memory: a write to `go` copies `length` bytes from `source` to `target`. Four registers of 4 bytes. */
export default defineDevice({
  name: 'dma',
  regions: { registers: memory({ size: 16, widths: [4] }) },
  create(_options: Record<string, never>, { memory: guest }) {
    const registers = new Uint32Array(3);
    return {
      registers: {
        read: (offset) => registers[offset >> 2] ?? 0,
        write: (offset, _size, value) => {
          if (offset < 12) registers[offset >> 2] = value;
          else {
            const [source = 0, target = 0, length = 0] = registers;
            for (let i = 0; i < length; i++) guest.write(target + i, 1, guest.read(source + i, 1));
          }
        },
      },
    };
  },
});
