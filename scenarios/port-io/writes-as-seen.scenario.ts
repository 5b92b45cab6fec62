/**
 * # Background
 * What is written is in the request itself: `data`, of which `size` bytes count (struct ioreq in
 * xen/include/public/hvm/ioreq.h). Device models mask it; Xen clears the rest all the same, which keeps other bytes of the
 * guest's register, or of Xen's stack, from getting out (XSA-239).
 *
 * # Method
 * OUT of each width with all other bits of RAX set, by the instruction and by OUTS; the trace has the requests as they came.
 *
 * # A broken Xen
 * would leave something above the bytes that are written, report another width, or make a request of several.
 */
import { expect, scenario, SCRATCH } from 'ioreqlab/scenario';

const port = 0x5000;

scenario('a device sees just what was written', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: port }, options: { size: 8, space: 'port' } });
  const seen = await guest.run((program) =>
    program
      .out(port, 1, 0x81, { rax: 0xffff_ffff_ffff_ff00n })
      .out(port + 1, 2, 0x8182, { rax: 0xffff_ffff_ffff_0000n })
      .out(port + 2, 4, 0x8182_8384, { rax: 0xffff_ffff_0000_0000n })
      .write(SCRATCH.start, new Uint8Array(16).fill(0xff))
      .write(SCRATCH.start + 4n, Uint8Array.of(0x91, 0x92, 0x93, 0x94))
      .outs({ port, size: 1, source: SCRATCH.start + 4n })
      .outs({ port, size: 2, source: SCRATCH.start + 4n })
      .outs({ port, size: 4, source: SCRATCH.start + 4n })
      .in(port, 4),
  );
  expect(seen.results.at(-1)?.value).toBe(0x9493_9291);
  const written = (await deviceModel.trace()).filter(({ isRead }) => !isRead);
  expect(written.map(({ address, size, data }) => [Number(address) - port, size, data])).toEqual([
    [0, 1, 0x81n],
    [1, 2, 0x8182n],
    [2, 4, 0x8182_8384n],
    [0, 1, 0x91n],
    [0, 2, 0x9291n],
    [0, 4, 0x9493_9291n],
  ]);
  expect(written.every(({ count, dataIsPointer, backwards }) => count === 1 && !dataIsPointer && !backwards)).toBe(
    true,
  );
  await expect(seen).toMatchOracle();
});
