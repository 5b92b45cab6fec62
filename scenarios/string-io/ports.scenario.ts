/**
 * # Background
 * REP INS and REP OUTS reach the device model in batches: one request with `count` repetitions and the guest-physical
 * address of the data (data_is_ptr), as far as the data's frame goes; the device model moves the data itself. Single
 * repetitions carry the data in the request (hvmemul_rep_ins, hvmemul_rep_outs in xen/arch/x86/hvm/emulate.c).
 *
 * # Method
 * A port that counts is read into RAM, and RAM is written to a port that mixes all values in their order; every width, up
 * and down (RFLAGS.DF), inside a page and across a page's end.
 *
 * # A broken Xen
 * would give too many or too few repetitions, step in the wrong direction, or leave the wrong RCX, RSI or RDI.
 */
import { expect, scenario, SCRATCH } from 'ioreqlab/scenario';
import stream, { mix } from './stream.device.ts';

const data = 0x5100;
const sum = 0x5104;
const count = 24;
const sizes = [1, 2, 4] as const;

/** Little-endian elements. */
function elements(bytes: Uint8Array, size: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / size }, (_, i) =>
    size === 4 ? view.getUint32(4 * i, true) : size === 2 ? view.getUint16(2 * i, true) : view.getUint8(i),
  );
}

scenario('REP INS and REP OUTS, every width, both directions', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum } });
  let first = 1;
  let mixed = 0;
  for (const start of [SCRATCH.start + 0x100n, SCRATCH.start + 0x1ff0n]) {
    for (const size of sizes) {
      for (const backward of [false, true]) {
        const bytes = BigInt(count * size);
        const from = backward ? start + bytes - BigInt(size) : start;
        const string = { port: data, size, count, backward };
        const seen = await guest.run((program) =>
          program
            .fill(start, Number(bytes), 0)
            .repIns({ ...string, destination: from })
            .read(start, Number(bytes))
            .repOuts({ ...string, source: from })
            .in(sum, 4),
        );
        const [, ins, read, outs, total] = seen.results;
        const values = Array.from({ length: count }, (_, i) => first + i);
        const inMemory = backward ? [...values].reverse() : values;
        const mask = size === 4 ? 0xffffffff : 2 ** (8 * size) - 1;
        expect(elements(read?.bytes ?? new Uint8Array(), size)).toEqual(inMemory.map((value) => value & mask));
        const end = backward ? from - bytes : from + bytes;
        expect([ins?.rcx, ins?.rdi, outs?.rcx, outs?.rsi]).toEqual([0n, end, 0n, end]);
        mixed = values.reduce((so, value) => mix(so, value & mask), mixed);
        expect(total?.value).toBe(mixed);
        await expect(seen).toMatchOracle();
        first += count;
      }
    }
  }
});
