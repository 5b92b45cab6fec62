import * as fc from 'fast-check';
import { HOLE_ABOVE_4G, HOLE_BELOW_4G, SCRATCH } from '../../guests/program/index.ts';
import { endOfRam } from '../oracle/guest-frames.ts';
import type { Environment } from '../../src/agent/protocol.ts';
import { pciRegisters, type DevicePart, type Layout } from './layout.ts';

/** Where a vCPU's programs go: nothing of it is another vCPU's. */
export interface Place {
  /** RAM: two pages. */
  readonly ram: bigint;
  readonly ports: number;
  readonly memory: readonly bigint[];
}

/** Bytes of {@link Place.ram}. */
export const ramBytes = 0x2000;

/** The place of a vCPU. */
export function placeOf(vcpu: number): Place {
  const apart = BigInt(vcpu) * 0x10_0000n;
  return {
    ram: SCRATCH.start + apart,
    ports: 0x5000 + vcpu * 0x800,
    memory: [
      HOLE_BELOW_4G.start + apart,
      HOLE_ABOVE_4G.start + apart,
      // There is only one such place.
      ...(vcpu === 0 ? [endOfRam] : []),
    ],
  };
}

interface Piece {
  readonly gap: number;
  readonly size: number;
  readonly server: number;
  readonly key: number;
  readonly behaviour: DevicePart['behaviour'];
}

const pieceOf = (sizes: readonly number[], servers: number): fc.Arbitrary<Piece> =>
  fc.record({
    gap: fc.constantFrom(0, 0, 0, 1, 2, 5, 16),
    size: fc.constantFrom(...sizes),
    server: fc.nat(servers - 1),
    key: fc.noBias(fc.nat(0xffff_ffff)),
    behaviour: fc.constantFrom('bytes', 'bytes', 'stream'),
  });

/** Pieces one after the other, from `start` on. */
function chain(pieces: readonly Piece[], vcpu: number, space: DevicePart['space'], start: bigint): DevicePart[] {
  let next = Number(start);
  return pieces.map(({ gap, size, server, key, behaviour }) => {
    const at = next + gap;
    next = at + size;
    return { server: `s${server}`, vcpu, space, at, size, key, behaviour };
  });
}

/** Like one that is there, a bit later, and of another server: the later server gets what both own all of. */
function overlay(part: DevicePart, by: number, servers: number): DevicePart {
  const server = `s${(Number(part.server.slice(1)) + 1) % servers}`;
  return { ...part, server, at: part.at + by, key: (part.key ^ 0x5a5a_5a5a) >>> 0 };
}

/** Whether a server can have them all: what is one server's may not overlap. */
function fits(parts: readonly DevicePart[]): boolean {
  return parts.every((a, i) =>
    parts
      .slice(i + 1)
      .every((b) => a.server !== b.server || a.space !== b.space || a.at + a.size <= b.at || b.at + b.size <= a.at),
  );
}

/** Slots of bus 0 that nothing of QEMU's is in. */
export const pciSlots = [0x18, 0x19, 0x1a] as const;

/** A PCI function, or none. Only one vCPU may use 0xcf8. */
function functionsOf(vcpu: number, servers: number): fc.Arbitrary<DevicePart[]> {
  const [slot] = pciSlots;
  const one = pieceOf([pciRegisters.size], servers).map(({ server, size, key, behaviour }): DevicePart[] => [
    { server: `s${server}`, vcpu, space: 'pci', at: slot << 3, size, key, behaviour },
  ]);
  return vcpu === 0 ? fc.oneof(fc.constant<DevicePart[]>([]), one) : fc.constant<DevicePart[]>([]);
}

function partsOf(vcpu: number, servers: number): fc.Arbitrary<DevicePart[]> {
  const place = placeOf(vcpu);
  const ports = fc
    .array(pieceOf([1, 2, 3, 4, 4, 8, 8, 16], servers), { minLength: 2, maxLength: 4 })
    .map((pieces) => chain(pieces, vcpu, 'port', BigInt(place.ports)));
  const memories = place.memory.map((base) =>
    fc
      .tuple(
        fc.array(pieceOf([1, 4, 8, 24, 0x1000, 0x1000, 0x1800], servers), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0n, 0n, 0xff0n, 0xffbn, 0x1000n),
      )
      // What begins at the end of RAM has to begin there.
      .map(([pieces, by]) => {
        if (base !== endOfRam) return chain(pieces, vcpu, 'memory', base + by);
        return chain(
          pieces.map((piece, i) => ({ ...piece, gap: i === 0 ? 0 : piece.gap })),
          vcpu,
          'memory',
          base,
        );
      }),
  );
  return fc
    .tuple(ports, fc.tuple(...memories), functionsOf(vcpu, servers), fc.constantFrom(0, 0, 1, 2, 4), fc.nat(7))
    .map(([ports, memories, functions, by, which]) => {
      const parts = [...ports, ...memories.flat(), ...functions];
      const under = parts[which];
      if (by === 0 || under === undefined || under.space === 'pci') return parts;
      const more = [...parts, overlay(under, by, servers)];
      return fits(more) ? more : parts;
    });
}

/** Layouts of a kind of guest with so many vCPUs. */
export function arbitraryLayout(environment: Environment, vcpus: number): fc.Arbitrary<Layout> {
  return fc.constantFrom(1, 1, 2, 2, 2, 3, 4).chain((count) =>
    fc
      .tuple(
        fc.array(fc.constantFrom('one', 'one', 'one', 'one', 'one', 'perVcpu'), { minLength: count, maxLength: count }),
        fc.tuple(...Array.from({ length: vcpus }, (_, vcpu) => partsOf(vcpu, count))),
      )
      .map(([workers, byVcpu]) => {
        const parts = byVcpu.flat();
        const servers = workers.map((one, i) => {
          const name = `s${i}`;
          // A PCI function has one configuration space, so its server has one worker.
          const hasFunction = parts.some(({ server, space }) => server === name && space === 'pci');
          return { name, options: one === 'one' || hasFunction ? {} : { workers: one } };
        });
        return { environment, vcpus, servers, parts };
      }),
  );
}
