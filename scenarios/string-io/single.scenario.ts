/**
 * # Background
 * INS and OUTS without a prefix move one element: the value is in the request (rep_ins and rep_outs of hvm_emulate_ops are
 * for more than one repetition), Xen's emulator reads or writes memory itself, and RCX is not looked at.
 *
 * # Method
 * Each width, up and down, aligned and across the end of a page: the registers, the bytes in memory around the element, and
 * the requests.
 *
 * # A broken Xen
 * would move RSI or RDI the wrong way, count RCX, write more bytes than the element has, or hand over an address.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from './requests-of.ts';

const port = 0x5100;
const page = SCRATCH.start + 0x1_0000n;

scenario('INS and OUTS of one element', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: port }, options: { size: 4, space: 'port' } });
  const program = new ProgramBuilder();
  const wanted: (object | undefined)[] = [];
  const shapes: string[] = [];
  for (const size of [1, 2, 4] as const) {
    for (const backward of [false, true]) {
      for (const at of [page + 0x100n, page + 0x101n, page + 0xfffn]) {
        const moved = BigInt(backward ? -size : size);
        const sign = backward ? '-' : '';
        program
          .write(at - 4n, Uint8Array.of(0xe1, 0xe2, 0xe3, 0xe4, 0x11, 0x22, 0x33, 0x44, 0xe5, 0xe6, 0xe7, 0xe8))
          .outs({ port, size, source: at, backward, count: 7 })
          .out(port, 4, 0xa4a3_a2a1)
          .ins({ port, size, destination: at, backward, count: 7 })
          .read(at - 4n, 12);
        shapes.push(`w${size}${sign}`, 'w4', `r${size}${sign}`);
        const element = [0xa1, 0xa2, 0xa3, 0xa4].slice(0, size);
        const rest = [0x11, 0x22, 0x33, 0x44, 0xe5, 0xe6, 0xe7, 0xe8].slice(size);
        wanted.push(
          undefined,
          { rcx: 7n, rsi: at + moved },
          undefined,
          { rcx: 7n, rdi: at + moved },
          { bytes: Uint8Array.from([0xe1, 0xe2, 0xe3, 0xe4, ...element, ...rest]) },
        );
      }
    }
  }
  const seen = await guest.run(program.build());
  seen.results.forEach((result, i) => expect(result).toMatchObject(wanted[i] ?? {}));
  // A single element steps nowhere: Xen says upwards.
  expect(requestsOf(await deviceModel.trace())).toEqual(shapes.map((shape) => shape.replace('-', '')));
  await expect(seen).toMatchOracle();
});
