import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProgramBuilder } from '../program/index.ts';
import { SCRATCH, type MemorySize, type Operation } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

/** Bytes of memory that the programs play in; a string operation of 7 elements of 8 bytes stays within it. */
const AREA = 256;
const REACH = 56;
const base = SCRATCH.start + 0x1000n;

const size = fc.constantFrom<MemorySize>(1, 2, 4, 8);
const place = fc.integer({ min: REACH, max: AREA - REACH - 8 }).map((offset) => base + BigInt(offset));
const rax = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const string = {
  size,
  repeat: fc.constantFrom('none', 'rep'),
  backward: fc.boolean(),
  count: fc.nat({ max: 7 }),
} as const;
const operation = fc.oneof(
  fc.record({ op: fc.constant('load'), address: place, size, rax }),
  fc.record({ op: fc.constant('store'), address: place, size, rax }),
  fc.record({ op: fc.constant('movs'), ...string, source: place, destination: place }),
  fc.record({ op: fc.constant('stos'), ...string, destination: place, rax }),
  fc.record({ op: fc.constant('lods'), ...string, source: place, rax }),
  fc.record({ op: fc.constant('fill'), address: place, length: fc.nat({ max: REACH }), byte: fc.nat({ max: 255 }) }),
  fc.record({ op: fc.constant('write'), address: place, bytes: fc.uint8Array({ maxLength: REACH }) }),
) as fc.Arbitrary<Operation>;

/** The same operations on an array: what the processor manual says they do. Returns RAX, RCX, RSI, RDI afterwards. */
class Model {
  readonly bytes = new Uint8Array(AREA);

  apply(each: Operation): Partial<Record<'rax' | 'rcx' | 'rsi' | 'rdi', bigint>> {
    if (each.op === 'fill') this.bytes.fill(each.byte, this.#at(each.address), this.#at(each.address) + each.length);
    if (each.op === 'write') this.bytes.set(each.bytes, this.#at(each.address));
    if (each.op === 'store') this.#put(each.address, each.size, each.rax);
    if (each.op === 'load') return { rax: this.#merge(each.rax, this.#get(each.address, each.size), each.size) };
    if (each.op !== 'movs' && each.op !== 'stos' && each.op !== 'lods') return {};

    let register = 'rax' in each ? each.rax : 0n;
    let source = 'source' in each ? each.source : 0n;
    let destination = 'destination' in each ? each.destination : 0n;
    const step = BigInt(each.backward ? -each.size : each.size);
    const turns = each.repeat === 'none' ? 1 : each.count;
    for (let turn = 0; turn < turns; turn++) {
      const value = 'source' in each ? this.#get(source, each.size) : register;
      if (each.op === 'lods') register = this.#merge(register, value, each.size);
      else this.#put(destination, each.size, value);
      if ('source' in each) source += step;
      if ('destination' in each) destination += step;
    }
    return {
      rax: register,
      rcx: BigInt(each.count - (each.repeat === 'none' ? 0 : turns)),
      rsi: source,
      rdi: destination,
    };
  }

  #at(address: bigint): number {
    return Number(address - base);
  }

  #get(address: bigint, bytes: number): bigint {
    const at = this.#at(address);
    return this.bytes.subarray(at, at + bytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  #put(address: bigint, bytes: number, value: bigint): void {
    for (let n = 0; n < bytes; n++) this.bytes[this.#at(address) + n] = Number((value >> BigInt(n * 8)) & 0xffn);
  }

  /** Writing AL or AX keeps the rest of RAX, writing EAX clears it. */
  #merge(register: bigint, value: bigint, bytes: number): bigint {
    return bytes >= 4 ? value : ((register >> BigInt(bytes * 8)) << BigInt(bytes * 8)) | value;
  }
}

describe('the workload guest against a model', () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.start();
  }, 60_000);
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  it('does to memory and registers what the model does', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        const model = new Model();
        const expected = operations.map((each) => model.apply(each));
        const seen = await guest.run((builder) =>
          operations.reduce<ProgramBuilder>((all, each) => all.add(each), builder.fill(base, AREA, 0)).read(base, AREA),
        );
        expect(seen.at(-1)?.bytes).toEqual(model.bytes);
        operations.forEach((each, index) => {
          expect(seen[index + 1], `operation ${index}: ${each.op}`).toMatchObject(expected[index] ?? {});
        });
      }),
      { numRuns: 150 },
    );
  });
});
