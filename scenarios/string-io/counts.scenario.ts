/**
 * # Background
 * REP with RCX 0 does nothing, with 1 it is a single request, from 2 on a batch (x86_emulate in
 * xen/arch/x86/x86_emulate/x86_emulate.c looks at the number of repetitions before it asks for one). A batch is one request,
 * but a device gives as many values as there are repetitions.
 *
 * # Method
 * A port that counts is read by IN and by REP INS of 0, 1, 2, 3 and 100 in turn; then what was read is written to it by REP
 * OUTS of the same numbers, and mixed into a sum.
 *
 * # A broken Xen
 * would make a request for no repetition, lose or repeat a value between two instructions, or change registers for nothing.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from './requests-of.ts';
import stream, { mix } from './stream.device.ts';

const data = 0x5100;
const sum = 0x5104;
const counts = [0, 1, 2, 3, 100];

scenario('counts of 0, 1 and more', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum } });
  const program = new ProgramBuilder();
  program.fill(SCRATCH.start, 0x200, 0xee);
  for (const [i, count] of counts.entries()) {
    program.repIns({ port: data, size: 1, count, destination: SCRATCH.start + 0x100n * BigInt(i) }).in(data, 1);
  }
  for (const [i, count] of counts.entries()) {
    program.repOuts({ port: data, size: 1, count, source: SCRATCH.start + 0x100n * BigInt(i) }).in(sum, 4);
  }
  program.read(SCRATCH.start, 1).read(SCRATCH.start + 0x400n, 101);
  const seen = await guest.run(program.build());

  let next = 0;
  let mixed = 0;
  const wanted: (object | undefined)[] = [undefined];
  const values = counts.map((count) => {
    const own = Array.from({ length: count }, () => ++next);
    wanted.push({ rcx: 0n }, { value: ++next });
    return own;
  });
  for (const own of values) {
    for (const value of own) mixed = mix(mixed, value);
    wanted.push({ rcx: 0n }, { value: mixed });
  }
  wanted.push({ bytes: Uint8Array.of(0xee) }, { bytes: undefined });
  seen.results.slice(0, -1).forEach((result, i) => expect(result).toMatchObject(wanted[i] ?? {}));
  // The last batch, and not a byte more.
  expect(seen.results.at(-1)?.bytes?.slice(0, 100)).toEqual(Uint8Array.from(values.at(-1) ?? []));
  const [ins, outs] = [seen.results[1], seen.results[11]];
  expect([ins?.rdi, outs?.rsi]).toEqual([SCRATCH.start, SCRATCH.start]);
  expect(requestsOf(await deviceModel.trace())).toEqual([
    ...['r1', 'r1', 'r1', 'r1x2*', 'r1', 'r1x3*', 'r1', 'r1x100*', 'r1'],
    ...['r4', 'w1', 'r4', 'w1x2*', 'r4', 'w1x3*', 'r4', 'w1x100*', 'r4'],
  ]);
  await expect(seen).toMatchOracle();
});
