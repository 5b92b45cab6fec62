/**
 * # Background
 * An instruction has at most fifteen bytes; with one more it is #GP (SDM volume 2, 2.3.11). Xen keeps as many bytes of the
 * instruction that it emulates (insn_buf in struct hvm_emulate_ctxt), and fetches what is missing.
 *
 * # Method
 * Loads, stores, an addition and OUT filled up with prefixes that do not count to 7, 14 and 15 bytes, and to 16.
 *
 * # A broken Xen
 * would run out of bytes, lose the last of an immediate, or carry out what the processor refuses.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';
import { code } from './machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x52_0000n;
const port = 0x5000;
const registers = { rbx: base, rdx: BigInt(port), rax: 0x8182_8384n };

/** Code, its requests, and what is at [rbx] afterwards if it was 1. */
const cases: readonly (readonly [string, readonly string[], number])[] = [
  ['8b 03', ['r4'], 1],
  ['89 03', ['w4'], 0x8182_8384],
  ['c7 03 11 22 33 44', ['w4'], 0x4433_2211],
  ['c7 83 00 00 00 00 11 22 33 44', ['w4'], 0x4433_2211],
  ['81 84 23 00 00 00 00 11 22 33 44', ['r4', 'w4'], 0x4433_2212],
  ['ef', ['w4'], 1],
];

scenario('instructions of up to fifteen bytes', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  await deviceModel.attach('ramWindow', { at: { window: port }, options: { size: 4, space: 'port' } });
  const program = new ProgramBuilder();
  const wanted: unknown[] = [];
  const requests: string[] = [];
  for (const [text, own, value] of cases) {
    const bytes = code(text);
    for (const length of [7, 14, 15, 16]) {
      if (length < bytes.length) continue;
      const prefixes = Array.from({ length: length - bytes.length }, () => 0x3e);
      program
        .store(base, 4, 1)
        .raw(Uint8Array.from([...prefixes, ...bytes]), { registers })
        .load(base, 4);
      const isTooLong = length > 15;
      wanted.push([text, length, isTooLong ? '#GP' : undefined, isTooLong ? 1 : value]);
      requests.push('w4', ...(isTooLong ? [] : own), 'r4');
    }
  }
  const seen = await guest.run(program.build());
  const results = wanted.map((one, i) => {
    const [text, length] = one as readonly [string, number];
    return [text, length, seen.results[3 * i + 1]?.fault?.name, seen.results[3 * i + 2]?.value];
  });
  expect(results).toEqual(wanted);
  expect(requestsOf(await deviceModel.trace())).toEqual(requests);
  await expect(seen).toMatchOracle();
});
