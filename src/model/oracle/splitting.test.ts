import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCpu } from './cpu.ts';
import { execute } from './execute.ts';
import { rulesOf, type OracleVersion } from './rules.ts';
import { PlainWorld } from './testing/plain-world.ts';

const versions: readonly OracleVersion[] = ['4.14', '4.17', '4.20'];
const rules = rulesOf('4.20');
/** Frames from 0x100 on are the device's. */
const makeWorld = (): PlainWorld => new PlainWorld((frame) => frame < 0x100n);
const pattern = Uint8Array.from({ length: 64 }, (_, i) => i + 1);

describe('an access inside a page', () => {
  it('is one request of its width, also when misaligned (hvmemul_phys_mmio_access)', () => {
    const world = makeWorld();
    const cpu = makeCpu({ rbx: 0x8877665544332211n });
    execute({ kind: 'store', size: 4, address: 0x100003n, source: { register: 'rbx' } }, cpu, world, rules);
    execute({ kind: 'load', size: 8, address: 0x100001n, register: 'rax' }, cpu, world, rules);
    expect(world.brief).toEqual([
      { size: 4, count: 1, address: 0x100003n, data: 0x44332211n },
      { isRead: true, size: 8, count: 1, address: 0x100001n },
    ]);
    expect(cpu.gpr.rax).toBe(0x443322110000n);
  });

  it('of 16 and 32 bytes is chunks of 8, in rising order', () => {
    const world = makeWorld();
    const cpu = makeCpu();
    world.set(0x100010n, pattern);
    execute({ kind: 'loadVector', size: 32, address: 0x100010n, vector: 3, isVex: true }, cpu, world, rules);
    expect(world.requests.map(({ address, size }) => [address, size])).toEqual([
      [0x100010n, 8],
      [0x100018n, 8],
      [0x100020n, 8],
      [0x100028n, 8],
    ]);
    expect(cpu.vectors[3]).toEqual(pattern.slice(0, 32));
  });
});

describe('an access across the end of a page', () => {
  it.each([
    [2, 0xfffn, [1, 1]],
    [4, 0xffdn, [2, 1, 1]],
    [8, 0xffan, [4, 2, 2]],
    [8, 0xff9n, [4, 2, 1, 1]],
    [8, 0xfffn, [1, 4, 2, 1]],
  ] as const)('%i bytes at %s: %j', (size, offset, chunks) => {
    for (const version of versions) {
      const world = makeWorld();
      world.set(0x100000n + offset, pattern);
      const cpu = makeCpu();
      const address = 0x100000n + offset;
      execute({ kind: 'load', size, address, register: 'rax' }, cpu, world, rulesOf(version));
      expect(world.requests.map(({ size }) => size)).toEqual(chunks);
      expect(cpu.gpr.rax).toBe(BigInt.asUintN(8 * size, 0x0807060504030201n));
    }
  });

  it('that is RAM in one page makes requests for the other only', () => {
    for (const version of versions) {
      const world = makeWorld();
      world.set(0xffffdn, pattern);
      const cpu = makeCpu({ rbx: 0xddccbbaan });
      execute({ kind: 'load', size: 4, address: 0xffffdn, register: 'rax' }, cpu, world, rulesOf(version));
      execute({ kind: 'store', size: 4, address: 0xffffdn, source: { register: 'rbx' } }, cpu, world, rulesOf(version));
      expect(world.brief).toEqual([
        { isRead: true, size: 1, count: 1, address: 0x100000n },
        { size: 1, count: 1, address: 0x100000n, data: 0xddn },
      ]);
      expect(cpu.gpr.rax).toBe(0x04030201n);
      expect(world.bytes(0xffffdn, 4)).toEqual(Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd));
    }
  });
});

it('chunks tile any access exactly, in rising order, each a power of two inside one page', () => {
  const sizes = fc.constantFrom(4, 8, 16, 32);
  const property = fc.property(sizes, fc.nat(0x1fff), fc.constantFrom(...versions), (size, offset, version) => {
    const world = makeWorld();
    const address = 0x100000n + BigInt(offset);
    world.set(address, pattern);
    const cpu = makeCpu();
    execute({ kind: 'loadVector', size, address, vector: 0, isVex: true }, cpu, world, rulesOf(version));
    let next = address;
    for (const request of world.requests) {
      expect(request).toMatchObject({ address: next, count: 1, isRead: true, dataIsPointer: false });
      expect([1, 2, 4, 8]).toContain(request.size);
      expect((request.address & 0xfffn) + BigInt(request.size)).toBeLessThanOrEqual(0x1000n);
      next += BigInt(request.size);
    }
    expect(next).toBe(address + BigInt(size));
    expect(cpu.vectors[0]?.subarray(0, size)).toEqual(pattern.subarray(0, size));
  });
  fc.assert(property);
});
