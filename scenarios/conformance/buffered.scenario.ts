/**
 * # Background
 * Xen puts single writes to VGA memory into the ring of the server that owns them, and the vCPU goes on (stdvga.c in
 * xen/arch/x86/hvm). What it asks for afterwards must find them done: the library empties the ring before it looks at a
 * vCPU's request.
 *
 * # Method
 * Writes of every width, several in a row, each followed by a read of what was written last; then the requests are
 * compared, in their order. Without a ring the same accesses wait for their answers.
 *
 * # A broken Xen
 * or a broken library would let the read overtake, lose a write, or half of one of eight bytes.
 */
import { expect, readTrace, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const vga = 0xa0000;

scenario('what is buffered is handled first', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  for (const buffered of ['off', 'atomic', 'legacy'] as const) {
    await deviceModel.createServer(buffered, { buffered });
    await deviceModel.attach(window, { server: buffered, at: { page: vga } });
    const seen = await guest.run((program) =>
      program
        .store(vga, 1, 0x11)
        .store(vga + 1, 2, 0x3322)
        .store(vga, 1, 0x44)
        .load(vga, 4)
        .store(vga + 8, 8, 0x8877665544332211n)
        .load(vga + 12, 4)
        .store(vga + 12, 4, 0),
    );
    expect([seen.results[3]?.value, seen.results[5]?.value]).toEqual([0x332244, 0x88776655]);
    const { trace, counters } = await deviceModel.closeServer(buffered);
    const isBuffered = buffered !== 'off';
    expect(readTrace(trace).map((one) => [one.isBuffered, one.isRead, one.size, Number(one.address) - vga])).toEqual([
      [isBuffered, false, 1, 0],
      [isBuffered, false, 2, 1],
      [isBuffered, false, 1, 0],
      [false, true, 4, 0],
      [isBuffered, false, 8, 8],
      [false, true, 4, 12],
      [isBuffered, false, 4, 12],
    ]);
    expect(counters).toMatchObject({ unclaimed: 0, malformed: 0, ringDamaged: 0 });
  }
});
