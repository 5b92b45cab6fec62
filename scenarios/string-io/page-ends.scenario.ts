/**
 * # Background
 * A batch's data lies in one page: hvmemul_do_io_addr in xen/arch/x86/hvm/emulate.c cuts it there. An element across the
 * end of a page is a batch of its own, of one. Downwards Xen counts one element less than would fit where they are aligned,
 * so that the last one before the page's beginning comes alone.
 *
 * # Method
 * REP INS and REP OUTS of eight elements at chosen distances from the end of a page, up and down; the requests, one by one,
 * and the data.
 *
 * # A broken Xen
 * would hand over data beyond the page, which is another frame's, or lose an element at the cut.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from './requests-of.ts';

const port = 0x5100;
const end = SCRATCH.start + 0x2_1000n;
const count = 8;

/** Width, direction, where the first element is from the end of the page, and the batches. */
const cases: readonly (readonly [1 | 2 | 4, boolean, bigint, readonly number[]])[] = [
  [1, false, -3n, [3, 5]],
  [1, false, -8n, [8]],
  [1, false, -1n, [1, 7]],
  [2, false, -6n, [3, 5]],
  [2, false, -5n, [2, 1, 5]],
  [2, false, -1n, [1, 7]],
  [4, false, -8n, [2, 6]],
  [4, false, -6n, [1, 1, 6]],
  [4, false, -2n, [1, 7]],
  [1, true, 2n, [2, 1, 5]],
  [1, true, 0n, [1, 7]],
  [2, true, 4n, [2, 1, 5]],
  [2, true, 3n, [2, 1, 5]],
  [4, true, 8n, [2, 1, 5]],
  [4, true, 5n, [2, 1, 5]],
  [4, true, -4n, [8]],
];

scenario('batches end where pages do', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: port }, options: { size: 4, space: 'port' } });
  const program = new ProgramBuilder();
  const shapes: string[] = [];
  const wanted: (object | undefined)[] = [];
  for (const [size, backward, offset, batches] of cases) {
    const first = end + offset;
    const low = backward ? first - BigInt((count - 1) * size) : first;
    const length = count * size;
    const pattern = Uint8Array.from({ length }, (_, i) => 0x30 + i);
    const lastElement = pattern.subarray(backward ? 0 : length - size).slice(0, size);
    const moved = BigInt(backward ? -length : length);
    const common = { port, size, count, backward };
    program
      .write(low, pattern)
      .repOuts({ ...common, source: first })
      .in(port, size)
      .fill(low - 4n, length + 8, 0)
      .repIns({ ...common, destination: first })
      .read(low - 1n, length + 2);
    const value = lastElement.reduceRight((so, byte) => so * 256 + byte, 0);
    const copies = Array.from({ length: count }, () => [...lastElement]).flat();
    wanted.push(
      undefined,
      { rcx: 0n, rsi: first + moved },
      { value },
      undefined,
      { rcx: 0n, rdi: first + moved },
      { bytes: Uint8Array.from([0, ...copies, 0]) },
    );
    const batch = (letter: string): string[] =>
      batches.map((n) => `${letter}${size}${n === 1 ? '' : `x${n}`}*${backward ? '-' : ''}`);
    shapes.push(...batch('w'), `r${size}`, ...batch('r'));
  }
  const seen = await guest.run(program.build());
  seen.results.forEach((result, i) => expect(result).toMatchObject(wanted[i] ?? {}));
  expect(requestsOf(await deviceModel.trace())).toEqual(shapes);
  await expect(seen).toMatchOracle();
});
