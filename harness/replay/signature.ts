import type { Operation } from '../../guests/program/index.ts';
import type { TraceRange, TraceServer } from '../../src/model/oracle/check-trace.ts';
import { decode } from '../../src/model/oracle/decode.ts';
import type { Instruction } from '../../src/model/oracle/instruction.ts';
import { endOfRam } from '../oracle/guest-frames.ts';
import { cpuOf, instructionOf, rawCpuOf } from '../oracle/instruction-of.ts';

/** What an operation is, without its operands. */
export function kindOfOperation(operation: Operation): string {
  switch (operation.op) {
    case 'raw': {
      const decoded = decode(operation.code, 0, rawCpuOf(operation));
      if (decoded === undefined) return 'machine code';
      const { instruction } = decoded;
      return 'operation' in instruction ? `${instruction.kind} ${instruction.operation}` : instruction.kind;
    }
    case 'sample':
      return kindOfOperation(operation.inner);
    case 'ins':
    case 'outs':
    case 'movs':
    case 'stos':
    case 'lods':
    case 'scas':
    case 'cmps':
      return `${operation.repeat === 'none' ? '' : `${operation.repeat} `}${operation.op}${operation.backward ? ' downwards' : ''}`;
    default:
      return operation.op;
  }
}

/** What an access reaches, both ends inclusive. */
export interface Extent {
  readonly kind: 'port' | 'memory';
  readonly first: bigint;
  readonly last: bigint;
}

/** The bytes that an operation reaches, except by RSP. */
export function extentsOf(operation: Operation): Extent[] {
  if (operation.op === 'sample') return extentsOf(operation.inner);
  let instruction: Instruction | undefined;
  if (operation.op === 'raw') instruction = decode(operation.code, 0, rawCpuOf(operation))?.instruction;
  else if (isAccess(operation)) instruction = instructionOf(operation);
  // LEA has an address, and does not go there.
  if (instruction === undefined || !('size' in instruction) || instruction.kind === 'address') return [];
  const { kind, size } = instruction;
  const bytes = BigInt(size);
  if (kind === 'in' || kind === 'out') {
    const port = BigInt(instruction.port);
    return [{ kind: 'port', first: port, last: port + bytes - 1n }];
  }
  if ('address' in instruction) {
    return [{ kind: 'memory', first: instruction.address, last: instruction.address + bytes - 1n }];
  }
  if (!isAccess(operation) || !('repeat' in instruction)) return [];
  const { gpr, rflags } = cpuOf(operation);
  const count = instruction.repeat === 'none' ? 1n : gpr.rcx;
  const more = count === 0n ? 0n : (count - 1n) * bytes;
  const memory = (start: bigint): Extent => {
    const first = (rflags & 0x400n) === 0n ? start : start - more;
    return { kind: 'memory', first, last: first + more + bytes - 1n };
  };
  const extents: Extent[] = [];
  if (kind === 'ins' || kind === 'outs') extents.push({ kind: 'port', first: gpr.rdx, last: gpr.rdx + bytes - 1n });
  if (kind === 'movs' || kind === 'cmps' || kind === 'lods' || kind === 'outs') extents.push(memory(gpr.rsi));
  if (kind === 'movs' || kind === 'cmps' || kind === 'stos' || kind === 'scas' || kind === 'ins') {
    extents.push(memory(gpr.rdi));
  }
  return extents;
}

type Access = Parameters<typeof instructionOf>[0];

const isAccess = (operation: Operation): operation is Access =>
  ['in', 'out', 'load', 'store', 'ins', 'outs', 'movs', 'stos', 'lods', 'scas', 'cmps'].includes(operation.op);

/** What is special about where an access goes. */
function featureOf({ kind, first, last }: Extent, servers: readonly TraceServer[]): string {
  if (kind === 'memory' && last < endOfRam) return 'RAM';
  const overlaps = (range: TraceRange): boolean => range.kind === kind && range.start <= last && range.end >= first;
  const owners = servers.filter(({ ranges }) => ranges.some(overlaps));
  const ranges = owners.flatMap((server) => server.ranges.filter(overlaps));
  const isInside = ranges.some(({ start, end }) => start <= first && end >= last);
  const features = [
    ...(kind === 'memory' && first < endOfRam ? ['RAM and'] : []),
    kind,
    owners.length === 0
      ? 'of nobody'
      : owners.length > 1
        ? `of ${owners.length} servers`
        : isInside
          ? 'of one region'
          : ranges.length > 1
            ? 'of several regions'
            : 'partly of a region',
    ...(kind === 'memory' && first >> 12n !== last >> 12n ? ['across pages'] : []),
  ];
  return features.join(' ');
}

/** What an operation is and where it goes: the same for the same cause, as far as that can be told from outside. */
export function describeAccess(operation: Operation, servers: readonly TraceServer[]): string {
  const features = extentsOf(operation).map((extent) => featureOf(extent, servers));
  return [kindOfOperation(operation), ...features].join(', ');
}
