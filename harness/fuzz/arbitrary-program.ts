import * as fc from 'fast-check';
import type { MemorySize, Operation, PortSize, RawOperation, Repeat } from '../../guests/program/index.ts';
import { endOfRam } from '../oracle/guest-frames.ts';
import { pciSlots, placeOf, ramBytes } from './arbitrary-layout.ts';
import type { Layout } from './layout.ts';
import { bytesOf, codeForms, vectorForms, type Code, type CodeForm } from './machine-code.ts';

const portSize = fc.constantFrom<PortSize[]>(1, 2, 4);
const memorySize = fc.constantFrom<MemorySize[]>(1, 2, 4, 8);
const register = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const delta = fc.noBias(fc.integer({ min: -9, max: 9 }));
const direction = fc.constantFrom(false, false, true);

/** Places where something begins or ends, and some between. */
function pointsOf(layout: Layout, vcpu: number, space: 'port' | 'memory'): bigint[] {
  const own = layout.parts.filter((part) => part.vcpu === vcpu && part.space === space);
  const points = own.flatMap(({ at, size }) => {
    const [start, end] = [BigInt(at), BigInt(at + size)];
    const pageEnd = (start | 0xfffn) + 1n;
    return [start, end, start + BigInt(size >> 1), ...(size > 64 ? [start + 12n, end - 12n, pageEnd] : [])];
  });
  return points.length > 0 ? points : [BigInt(placeOf(vcpu).ports)];
}

const near = (points: readonly bigint[]): fc.Arbitrary<bigint> =>
  fc.tuple(fc.constantFrom(...points), delta).map(([point, by]) => point + BigInt(by));

/** A piece of RAM with room for so many bytes in both directions; often across the page. */
function ramAddress(vcpu: number, room: number): fc.Arbitrary<bigint> {
  const { ram } = placeOf(vcpu);
  const inside = fc.noBias(fc.integer({ min: room, max: ramBytes - room }));
  const atPage = fc.noBias(fc.integer({ min: -40, max: 40 })).map((by) => ramBytes / 2 + by);
  return fc.oneof(inside, atPage).map((offset) => ram + BigInt(offset));
}

function strings(vcpu: number, port: fc.Arbitrary<number>, mmio: fc.Arbitrary<bigint>): fc.Arbitrary<Operation> {
  /** Bytes that no string is longer than. */
  const room = 520;
  const ram = ramAddress(vcpu, room);
  const repeat = fc.constantFrom<Repeat[]>('none', 'rep', 'rep', 'rep');
  const comparing = fc.constantFrom<Repeat[]>('none', 'rep', 'repne');
  const few = fc.noBias(fc.nat(6));
  const many = fc.oneof(
    { weight: 8, arbitrary: fc.noBias(fc.nat(12)) },
    { weight: 2, arbitrary: fc.noBias(fc.nat(room / 8)) },
  );
  const common = { size: memorySize, backward: direction };
  const ports = { size: portSize, backward: direction, repeat, count: many, port };
  const movs = (source: fc.Arbitrary<bigint>, destination: fc.Arbitrary<bigint>, count: fc.Arbitrary<number>) =>
    fc.record({ op: fc.constant('movs' as const), ...common, repeat, count, source, destination });
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ op: fc.constant('ins' as const), ...ports, destination: ram }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('outs' as const), ...ports, source: ram }) },
    { weight: 2, arbitrary: movs(ram, mmio, many) },
    { weight: 2, arbitrary: movs(mmio, ram, many) },
    { weight: 1, arbitrary: movs(mmio, mmio, few) },
    {
      weight: 2,
      arbitrary: fc.record({
        ...{ op: fc.constant('stos' as const), ...common, repeat, count: many, destination: mmio, rax: register },
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ op: fc.constant('lods' as const), ...common, repeat, count: few, source: mmio, rax: register },
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ op: fc.constant('scas' as const), ...common, repeat: comparing, count: few, destination: mmio },
        rax: register,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ op: fc.constant('cmps' as const), ...common, repeat: comparing, count: few, source: mmio },
        destination: fc.oneof(mmio, ram),
      }),
    },
  );
}

/** Flags that a raw operation may start with, without DF: RAW_RFLAGS. */
const rflags = fc.constantFrom(0n, 1n, 0x40n, 0x8d5n);

const codesOf = (forms: readonly CodeForm[]): Code[] =>
  forms.flatMap((form) => form.sizes.map((size) => ({ form, size })));

function raw(vcpu: number, forms: readonly CodeForm[], mmio: fc.Arbitrary<bigint>): fc.Arbitrary<RawOperation> {
  return fc
    .record({
      code: fc.constantFrom(...codesOf(forms)),
      address: mmio,
      stack: ramAddress(vcpu, 64),
      isLocked: direction,
      immediate: fc.noBias(fc.nat(255)),
      bit: fc.noBias(fc.integer({ min: -72, max: 72 })),
      ...{ rax: register, rcx: register, rdx: register, rflags },
    })
    .map(({ code, address, stack, isLocked, immediate, bit, rax, rcx, rdx, rflags }) => {
      const { isBitOffset, isVector, usesStack } = code.form;
      return {
        op: 'raw',
        code: bytesOf(code, isLocked, immediate),
        registers: {
          ...{ rax, rbx: address, rcx: isBitOffset ? BigInt.asUintN(64, BigInt(bit)) : rcx, rdx },
          ...(usesStack ? { rsp: stack & ~7n } : {}),
        },
        rflags,
        vectorBytes: isVector ? 16 : 0,
        vectors: isVector ? { 1: Uint8Array.from({ length: 16 }, (_, i) => (immediate + 17 * i) & 0xff) } : {},
      };
    });
}

/** Selects a register of a PCI function, by four bytes or by less, which selects nothing; or accesses what is selected. */
function config(): fc.Arbitrary<Operation> {
  const address = fc
    .tuple(fc.constantFrom(...pciSlots), fc.noBias(fc.nat(0xff)), fc.constantFrom(1n, 1n, 1n, 0n))
    .map(([slot, register, isEnabled]) => (isEnabled << 31n) | BigInt((slot << 11) | register));
  const data = fc.tuple(portSize, fc.nat(3)).map(([size, at]) => ({ size, port: 0xcfc + at - (at % size) }));
  return fc.oneof(
    { weight: 3, arbitrary: address.map((rax): Operation => ({ op: 'out', port: 0xcf8, size: 4, rax })) },
    { weight: 1, arbitrary: address.map((rax): Operation => ({ op: 'out', port: 0xcfa, size: 2, rax })) },
    { weight: 4, arbitrary: fc.tuple(data, register).map(([at, rax]): Operation => ({ op: 'in', ...at, rax })) },
    { weight: 3, arbitrary: fc.tuple(data, register).map(([at, rax]): Operation => ({ op: 'out', ...at, rax })) },
  );
}

/** An operation that makes accesses, on a vCPU of a layout. */
export function arbitraryOperation(layout: Layout, vcpu: number): fc.Arbitrary<Operation> {
  const port = near(pointsOf(layout, vcpu, 'port')).map(Number);
  const memoryPoints = pointsOf(layout, vcpu, 'memory');
  const mmio = near(memoryPoints);
  // The processor knows nothing of RAM there but what programs have put.
  const mmioOnly = near(memoryPoints.filter((point) => point < endOfRam || point > endOfRam + 0x20n));
  const hasFunction = layout.parts.some((part) => part.vcpu === vcpu && part.space === 'pci');
  // An access to memory costs Xen three times what one to a port does, and read-modify-write is two of them.
  return fc.oneof(
    ...(hasFunction ? [{ weight: 4, arbitrary: config() }] : []),
    { weight: 8, arbitrary: fc.record({ op: fc.constant('in' as const), port, size: portSize, rax: register }) },
    { weight: 8, arbitrary: fc.record({ op: fc.constant('out' as const), port, size: portSize, rax: register }) },
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constant('load' as const), address: mmio, size: memorySize, rax: register }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constant('store' as const), address: mmio, size: memorySize, rax: register }),
    },
    { weight: 5, arbitrary: strings(vcpu, port, mmioOnly) },
    { weight: 5, arbitrary: raw(vcpu, codeForms, mmio) },
    { weight: 1, arbitrary: raw(vcpu, vectorForms, mmio) },
  );
}

/** Makes what the program's RAM holds known. */
export function prologue(vcpu: number): Operation[] {
  const { ram } = placeOf(vcpu);
  const middle = ramBytes / 2;
  const operations: Operation[] = [
    { op: 'fill', address: ram, length: middle - 0x100, byte: 0x5a },
    {
      op: 'write',
      address: ram + BigInt(middle - 0x100),
      bytes: Uint8Array.from({ length: 0x200 }, (_, i) => (i * 7 + vcpu) & 0xff),
    },
    { op: 'fill', address: ram + BigInt(middle + 0x100), length: middle - 0x100, byte: 0xa5 },
  ];
  if (vcpu !== 0) return operations;
  // Whatever was selected before.
  operations.push({ op: 'out', port: 0xcf8, size: 4, rax: 0n });
  // Not to be filled: it is no scratch memory.
  for (let at = -64n; at < 0n; at += 8n) {
    operations.push({
      op: 'store',
      address: endOfRam + at,
      size: 8,
      rax: (0x0123_4567_89ab_cdefn * (at + 65n)) & 0xffff_ffff_ffff_ffffn,
    });
  }
  return operations;
}

/** Shows what has become of it. */
export function epilogue(vcpu: number): Operation[] {
  return [{ op: 'read', address: placeOf(vcpu).ram, length: ramBytes }];
}
