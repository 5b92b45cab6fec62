import fc from 'fast-check';
import type { Access, ModelOp, Step } from 'ioreqlab/model';

/** Ports that no guest and no QEMU has. */
const firstPort = 0x5000;
/** Guest-physical addresses without memory; the last bytes of a page and the first of the next. */
const firstAddress = 0x1000_0ff0;
/** On bus 0, where QEMU has no functions. */
const firstDevice = 0x10;

const op = (name: ModelOp, ...args: (number | bigint)[]): Step => ({ kind: 'op', op: name, args: args.map(BigInt) });
const look = (accesses: readonly Access[]): Step => ({ kind: 'look', accesses });

/** Mostly what a domain can have, sometimes what it cannot; 0x10001 is server 1 once it is cut to 16 bits. */
const server = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 7 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 8, 9, 255, 0xffff, 0x1_0001) },
);
const size = fc.constantFrom(1, 2, 4);

/** A range of the small area that looks look at, or one that Xen has to refuse or to bear. */
const range = (first: number): fc.Arbitrary<readonly [bigint, bigint]> =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 12 }))
        .map(([at, length]) => [BigInt(first + at), BigInt(first + at + length - 1)] as const),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<readonly [bigint, bigint]>(
        [BigInt(first + 8), BigInt(first + 7)],
        [1n, 0n],
        [(1n << 64n) - 1n, 0n],
        [1n << 63n, (1n << 64n) - 1n],
        [(1n << 64n) - 1n, (1n << 64n) - 1n],
      ),
    },
  );

const ranges = fc
  .tuple(fc.constantFrom<ModelOp>('mapIoRange', 'mapIoRange', 'unmapIoRange'), server, fc.nat(1))
  .chain(([name, id, isMemory]) =>
    range(isMemory === 1 ? firstAddress : firstPort).map(([start, end]) => [op(name, id, isMemory, start, end)]),
  );

const functions = fc
  .tuple(
    fc.constantFrom<ModelOp>('mapPcidev', 'mapPcidev', 'unmapPcidev'),
    server,
    fc.constantFrom(0, 0, 0, 1),
    fc.constantFrom(0, 0, 0, 1, 256),
    fc.constantFrom(firstDevice, firstDevice, firstDevice + 1, 32),
    fc.constantFrom(0, 0, 1, 7, 8),
  )
  .map(([name, id, segment, bus, device, fn]) => [op(name, id, segment, bus, device, fn)]);

/** So many ranges that the limit is reached, from both sides, with gaps of one port; then some of them go. */
const manyRanges = fc
  .tuple(
    server,
    fc.nat(1),
    fc.integer({ min: 253, max: 257 }),
    fc.array(fc.integer({ min: 0, max: 520 }), { maxLength: 12 }),
  )
  .map(([id, isMemory, count, extra]) => {
    const at = (i: number): number => (isMemory === 1 ? 0x2000_0000 : 0x6000) + i;
    return [
      ...Array.from({ length: count }, (_, i) => op('mapIoRange', id, isMemory, at(2 * i + 1), at(2 * i + 1))),
      ...extra.map((i) => op('mapIoRange', id, isMemory, at(i), at(i))),
      ...extra.map((i) => op('unmapIoRange', id, isMemory, at(i), at(i))),
      op('unmapIoRange', id, isMemory, at(1), at(513)),
    ];
  });

const life = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 1, 2, 3, 255, 256, 258), fc.constantFrom('resource', 'resource', 'gfn', 'none'))
      .chain(([mode, pages]) =>
        server.map((id) => [
          op('createIoreqServer', mode),
          // The id that it gets is the model's to say; this one may be another server.
          ...(pages === 'resource' ? [op('acquireResource', id, 1)] : []),
          ...(pages === 'gfn' ? [op('getIoreqServerInfo', id, 1)] : []),
        ]),
      ),
  },
  { weight: 2, arbitrary: server.map((id) => [op('destroyIoreqServer', id)]) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(server, fc.constantFrom(0, 1, 1, 1, 2, 256))
      .map(([id, enabled]) => [op('acquireResource', id, 1), op('setIoreqServerState', id, enabled)]),
  },
  { weight: 2, arbitrary: fc.tuple(server, fc.nat(1)).map(([id, gfns]) => [op('getIoreqServerInfo', id, gfns)]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(server, fc.constantFrom(0, 1, 2, 3, 0xffff_ffff))
      .map(([id, frame]) => [op('acquireResource', id, frame)]),
  },
  { weight: 1, arbitrary: fc.constant([op('nrVcpus')]) },
);

const portAccess = fc
  .tuple(fc.integer({ min: firstPort - 3, max: firstPort + 52 }), size, fc.boolean(), fc.integer({ min: 0, max: 0xff }))
  .map(([addr, size, isRead, data]): Access[] => [{ type: 'pio', addr, size, isRead, data }]);

const memoryAccess = fc
  .tuple(fc.integer({ min: firstAddress - 8, max: firstAddress + 52 }), fc.constantFrom(1, 2, 4, 8), fc.boolean())
  // Not across the end of a page: that is two accesses.
  .filter(([addr, size]) => Math.floor(addr / 4096) === Math.floor((addr + size - 1) / 4096))
  .map(([addr, size, isRead]): Access[] => [{ type: 'copy', addr, size, isRead, data: 0x5a }]);

/** The address latch, then the data port. */
const configAccess = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom(0, 0, 1),
    fc.constantFrom(firstDevice, firstDevice, firstDevice + 1),
    fc.constantFrom(0, 0, 1, 7),
    fc.integer({ min: 0, max: 255 }),
    fc.nat(3),
    size,
    fc.boolean(),
  )
  .map(([isEnabled, bus, device, fn, register, offset, size, isRead]): Access[] => {
    const latch = ((isEnabled ? 0x8000_0000 : 0) + bus * 0x1_0000 + device * 0x800 + fn * 0x100 + register) >>> 0;
    return [
      { type: 'pio', addr: 0xcf8, size: 4, isRead: false, data: latch },
      { type: 'pio', addr: 0xcfc + offset, size, isRead, data: 0x77 },
    ];
  });

const looks = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: portAccess },
      { weight: 3, arbitrary: memoryAccess },
      { weight: 2, arbitrary: configAccess },
    ),
    { minLength: 8, maxLength: 24 },
  )
  .map((accesses) => [look(accesses.flat())]);

/** Frames that stand for an area of the guest's memory: {@link placed} says which. */
const area = { gfn: 0x2800, frames: 16 } as const;
/** Types are changed in the first, dirty frames tracked in the second, frames moved in the third. */
const [typed, tracked, moved] = [area.gfn, area.gfn + 4, area.gfn + 8];

/** A step on the `turn`th area, so that what became of one does not matter to the next. */
export function placed(step: Step, turn: number): Step {
  if (step.kind === 'look') return step;
  const isInside = (arg: bigint): boolean => arg >= area.gfn && arg < area.gfn + area.frames;
  return { ...step, args: step.args.map((arg) => (isInside(arg) ? arg + BigInt(turn * area.frames) : arg)) };
}

/** How many areas the guest's scratch memory has. */
const areas = 128;

/** The `turn`th area; after the last, none: what needs one is left out. */
export const areaOf = (turn: number) => ({
  gfn: area.gfn + turn * area.frames,
  frames: turn < areas ? area.frames : 0,
});

const level = fc.constantFrom(0, 1, 0, 1, 2, 256, 257);
const memory = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(server, fc.constantFrom(4, 4, 4, 4, 3, 0), fc.constantFrom(2, 2, 0, 0, 1, 3, 4))
      .map(([id, type, flags]) => [op('mapMemType', id, type, flags)]),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0, 0, 1, 2, 4, 4, 3, 5, 0xffff),
        fc.oneof(
          { weight: 6, arbitrary: fc.integer({ min: typed, max: typed + 3 }) },
          { weight: 1, arbitrary: fc.constantFrom(0x1_8000, 0xf_f000, 2 ** 40, (1n << 64n) - 1n) },
        ),
        fc.constantFrom(1, 1, 2, 3, 0),
      )
      .filter(([, first, frames]) => first >= 0x1_0000 || Number(first) + frames <= typed + 4)
      .map(([type, first, frames]) => [op('setMemType', type, first, frames)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: tracked, max: tracked + 1 }), fc.constantFrom(0, 1, 2, 3, 3, 32_769, 0x4_0001))
      .map(([first, frames]) => [op('trackDirtyVram', first, frames)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0, 1, 1, 2, 3),
        fc.oneof(
          { weight: 6, arbitrary: fc.integer({ min: moved, max: moved + 5 }) },
          { weight: 1, arbitrary: fc.constantFrom(0x1_8000, (1n << 64n) - 1n, (1n << 64n) - 2n) },
        ),
        fc.oneof(
          { weight: 6, arbitrary: fc.integer({ min: moved, max: moved + 5 }) },
          { weight: 1, arbitrary: fc.constantFrom((1n << 64n) - 1n, (1n << 64n) - 2n) },
        ),
      )
      .filter(([, source, target]) => source !== target)
      .map(([frames, source, target]) => [op('relocateMemory', frames, source, target)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 0x1_9000, max: 0x1_9008 }),
        fc.constantFrom(-1, 0, 0, 1, 3),
        fc.constantFrom(0, 1, 4, 5, 6, 7, 2, 3, 8, 0xffff_ffff, 0xffff_ffff),
      )
      .map(([start, length, type]) => [op('pinMemoryCacheattr', start, start + length, type)]),
  },
  {
    weight: 1,
    arbitrary: fc.constant(
      Array.from({ length: 66 }, (_, i) => op('pinMemoryCacheattr', 0x1_a000 + i * 2, 0x1_a000 + i * 2, 6)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...[1n << 60n, (1n << 64n) - 1n]).map((end) => [op('pinMemoryCacheattr', 1, end, 6)]),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 4096).map((frames) => [op('modifiedMemory', typed, frames)]) },
);

const interrupts = fc.oneof(
  fc.tuple(fc.constantFrom(5, 10, 11, 15, 16, 255, 256 + 5), level).map(([irq, to]) => [op('setIsaIrqLevel', irq, to)]),
  fc
    .tuple(
      fc.constantFrom(0, 0, 0, 1, 0x1_0000),
      fc.constantFrom(0, 0, 0, 1, 256),
      fc.constantFrom(0x10, 0x1f, 0x20),
      fc.constantFrom(0, 3, 4),
      level,
    )
    .map((args) => [op('setPciIntxLevel', ...args)]),
  fc
    .tuple(fc.constantFrom(0, 3, 4, 256), fc.constantFrom(0, 5, 15, 16))
    .map(([link, irq]) => [op('setPciLinkRoute', link, irq)]),
  fc
    .tuple(
      fc.constantFrom(
        0xfee0_0000n,
        0xfeef_e000n,
        0x7fff_ff00_fee0_0000n,
        0xffff_ff00_fee0_0000n,
        0x8000_0000_0000_0000n,
      ),
      fc.constantFrom(0x00, 0x30, 0x200, 0x230, 0x530, 0x700),
    )
    .map(([addr, data]) => [op('injectMsi', addr, data)]),
  fc.constantFrom(4, 127, 128, 0xffff_ffff).map((vcpu) => [op('injectEvent', vcpu, 14, 3, 0, 0, 0)]),
);

/** Puts the address latch, which another scenario may have left anywhere, to where the model's is. */
export const beginning: readonly Step[] = [look([{ type: 'pio', addr: 0xcf8, size: 4, isRead: false, data: 0 }])];

/** A sequence of so many pieces, each of some steps. */
export const sequences = (pieces: number): fc.Arbitrary<Step[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 10, arbitrary: life },
        { weight: 12, arbitrary: ranges },
        { weight: 4, arbitrary: functions },
        { weight: 5, arbitrary: memory },
        { weight: 3, arbitrary: interrupts },
        { weight: 6, arbitrary: looks },
        { weight: pieces >= 40 ? 1 : 0, arbitrary: manyRanges },
      ),
      { minLength: pieces, maxLength: pieces },
    )
    .map((chunks) => chunks.flat());
