/**
 * # Background
 * Xen emulates at most 4096 repetitions at a time (hvmemul_virtual_to_linear in xen/arch/x86/hvm/emulate.c) and no more than
 * fit in the page of the data; the instruction goes on until RCX is 0.
 *
 * # Method
 * REP OUTS and REP INS of thousands of elements over several pages, up and down. A device mixes what it gets in its order,
 * and counts what it gives.
 *
 * # A broken Xen
 * would stop early, begin a page again, or go on with the wrong count.
 */
import { expect, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from './requests-of.ts';
import stream, { mix } from './stream.device.ts';

const data = 0x5100;
const sum = 0x5104;
const start = SCRATCH.start + 0x3_0800n;

scenario('thousands of repetitions', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum } });
  const bytes = Uint8Array.from({ length: 0x2800 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  const last = BigInt(bytes.length);
  const seen = await guest.run((program) =>
    program
      .write(start, bytes)
      .repOuts({ port: data, size: 1, count: bytes.length, source: start })
      .in(sum, 4)
      .repOuts({ port: data, size: 4, count: bytes.length / 4, source: start + last - 4n, backward: true })
      .in(sum, 4)
      .repIns({ port: data, size: 4, count: bytes.length / 4, destination: start })
      .read(start, bytes.length),
  );
  const view = new DataView(bytes.buffer);
  let mixed = bytes.reduce(mix, 0);
  const first = mixed;
  for (let at = bytes.length - 4; at >= 0; at -= 4) mixed = mix(mixed, view.getUint32(at, true));
  expect([seen.results[2]?.value, seen.results[4]?.value]).toEqual([first, mixed]);
  expect([1, 3, 5].map((i) => seen.results[i]?.rcx)).toEqual([0n, 0n, 0n]);
  const read = seen.results[6]?.bytes ?? new Uint8Array();
  const words = new DataView(read.buffer, read.byteOffset, read.byteLength);
  const given = Array.from({ length: read.length / 4 }, (_, i) => words.getUint32(4 * i, true));
  expect(given).toEqual(Array.from({ length: bytes.length / 4 }, (_, i) => i + 1));
  expect(requestsOf(await deviceModel.trace())).toEqual([
    ...['w1x2048*', 'w1x4096*', 'w1x4096*', 'r4'],
    // Downwards the last element of each page comes alone.
    ...['w4x1023*-', 'w4*-', 'w4x1023*-', 'w4*-', 'w4x512*-', 'r4'],
    ...['r4x512*', 'r4x1024*', 'r4x1024*'],
  ]);
  await expect(seen).toMatchOracle();
});
