/**
 * # Background
 * LOCK before anything but a read-modify-write of memory is #UD, which the processor raises before it accesses anything
 * (SDM volume 2, LOCK). Xen's emulator checks it too, but not always before it has read the operand: it relies on the
 * processor. QEMU's emulated processor does not look at LOCK at all.
 *
 * # Method
 * LOCK before what it may stand before, also with REPNE and REP in front: a read and a write. LOCK before loads, stores,
 * comparisons, shifts, string instructions, IN and OUT, all of a device: each is #UD and no request.
 *
 * # A broken Xen
 * would carry an instruction out that the processor refuses, or the other way round.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';
import { code } from './machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x51_0000n;
const registers = { rbx: base, rsi: base, rdi: base + 8n, rcx: 1n, rdx: 0x5000n, rax: 0n };

const refused = {
  mov: 'f0 8b 03',
  'mov, a store': 'f0 89 03',
  movzx: 'f0 0f b6 03',
  'add, to a register': 'f0 03 03',
  cmp: 'f0 38 03',
  test: 'f0 85 03',
  bt: 'f0 0f a3 03',
  shl: 'f0 d1 23',
  shld: 'f0 0f a5 03',
  movs: 'f0 a5',
  stos: 'f0 aa',
  in: 'f0 ec',
  out: 'f0 ee',
  ins: 'f0 6c',
  'push of memory': 'f0 ff 33',
  movnti: 'f0 0f c3 03',
};
/** And the requests. */
const taken: readonly (readonly [string, readonly string[]])[] = [
  ['f0 01 03', ['r4', 'w4']],
  ['f0 f6 13', ['r1', 'w1']],
  ['f0 66 ff 0b', ['r2', 'w2']],
  ['f2 f0 48 01 03', ['r8', 'w8']],
  ['f3 f0 87 03', ['r4', 'w4']],
  ['f0 48 0f ab 03', ['r8', 'w8']],
  ['f0 0f c1 03', ['r4', 'w4']],
  ['f0 0f c0 03', ['r1', 'w1']],
];

scenario(
  'LOCK where it may stand and where not',
  { oracle: 'off because the emulated processor lets LOCK pass, which is known' },
  async ({ guest, deviceModel, known }) => {
    await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
    await deviceModel.attach('ramWindow', { at: { window: 0x5000 }, options: { size: 4, space: 'port' } });
    const program = new ProgramBuilder();
    for (const [text] of taken) program.raw(code(text), { registers });
    const seen = await guest.run(program.build());
    expect(seen.results.map(({ fault }) => fault)).toEqual(taken.map(() => undefined));
    const requests = taken.flatMap(([, one]) => one);
    expect(requestsOf(await deviceModel.trace())).toEqual(requests);
    await expect(seen).toMatchOracle();

    const names = Object.keys(refused);
    const refusals = new ProgramBuilder();
    for (const text of Object.values(refused)) refusals.raw(code(text), { registers });
    const evidence = async (): Promise<void> => {
      const onRam = await guest.run((more) => more.raw(code('f0 8b 06'), { registers: { rsi: SCRATCH.start } }));
      expect(onRam.results[0]?.fault).toBeUndefined();
    };
    await known({ reason: 'the emulated processor lets LOCK pass before everything', evidence }, async () => {
      const faults = await guest.run(refusals.build());
      expect(names.map((name, i) => [name, faults.results[i]?.fault?.name])).toEqual(
        names.map((name) => [name, '#UD']),
      );
      expect(requestsOf(await deviceModel.trace())).toEqual(requests);
      await expect(faults).toMatchOracle();
    });
  },
);
