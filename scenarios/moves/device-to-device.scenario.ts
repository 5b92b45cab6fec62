/**
 * # Background
 * REP MOVS from a device to a device is never a batch: Xen reads an element and writes it, one after the other
 * (hvmemul_rep_movs in xen/arch/x86/hvm/emulate.c says X86EMUL_UNHANDLEABLE). So moves that overlap give what they give in
 * RAM: upwards the first elements spread.
 *
 * # Method
 * MOVS and REP MOVS of each width inside one device, from one server's to another's, overlapping by one element in both
 * directions; against plain memory that moves an element at a time.
 *
 * # A broken Xen
 * would hand over a device's address as if it were RAM, read ahead of what it has written, or swap the two servers.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';

const one = HOLE_BELOW_4G.start + 0x14_0000n;
const other = HOLE_BELOW_4G.start + 0x15_0000n;

scenario('MOVS between devices', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { server: 'one', at: { window: Number(one) } });
  await deviceModel.attach('ramWindow', { server: 'other', at: { window: Number(other) } });
  const program = new MemoryProgram();
  for (let i = 0n; i < 64n; i += 8n)
    program.store(one + 0x100n + i, 8, 0x1716_1514_1312_1110n + i * 0x0202_0202_0202_0202n);
  for (const size of [1, 2, 4, 8] as const) {
    const bytes = BigInt(size);
    for (const [source, destination, count] of [
      [one + 0x100n, one + 0x200n, 3],
      [one + 0x101n, other + 0x203n, 4],
      [other + 0x203n, one + 0x300n, 4],
      // Up, over itself, an element further; and down.
      [one + 0x100n, one + 0x100n + bytes, 4],
      [one + 0x100n + bytes, one + 0x100n, 4],
    ] as const) {
      for (const backward of [false, true]) {
        const step = backward ? -bytes : bytes;
        const down = backward ? bytes * BigInt(count - 1) : 0n;
        const [from, to] = [source + down, destination + down];
        program.add(
          (next) => next.repMovs({ size, count, backward, source: from, destination: to }),
          (memory) => {
            for (let i = 0n; i < count; i++) memory.store(to + i * step, size, memory.load(from + i * step, size));
          },
        );
        for (let i = 0n; i < count; i++) program.load(destination + i * bytes, size);
      }
    }
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  for (const server of ['one', 'other']) {
    const records = await deviceModel.trace(server);
    expect(records.some(({ isRead }) => isRead)).toBe(true);
    expect(records.every(({ count, dataIsPointer }) => count === 1 && !dataIsPointer)).toBe(true);
  }
  await expect(seen).toMatchOracle();
});
