import { hex } from './check-values.ts';
import { GPR_NAMES, type AnyStringOperation, type Operation, type Program, type RawOperation } from './operation.ts';
import { bytesToText } from './words.ts';

/** What the low `size` bytes of a register hold, and an option for the rest when it is not 0. */
function valueAndRest(rax: bigint, size: number): string {
  const value = BigInt.asUintN(size * 8, rax);
  return hex(value) + raxOption(rax - value);
}

function raxOption(rax: bigint): string {
  return rax === 0n ? '' : ` rax=${hex(rax)}`;
}

function stringToText(operation: AnyStringOperation): string {
  return [
    ...(operation.repeat === 'none' ? [] : [operation.repeat]),
    operation.op,
    String(operation.size),
    ...('port' in operation ? [`port=${hex(operation.port)}`] : []),
    ...('source' in operation ? [`from=${hex(operation.source)}`] : []),
    ...('destination' in operation ? [`to=${hex(operation.destination)}`] : []),
    ...('rax' in operation ? [`rax=${hex(operation.rax)}`] : []),
    `count=${operation.count}`,
    ...(operation.backward ? ['backward'] : []),
  ].join(' ');
}

function rawToText({ code, registers, rflags, vectorBytes, vectors }: RawOperation): string {
  const named = GPR_NAMES.filter((name) => registers[name] !== undefined);
  return [
    'raw',
    bytesToText(code),
    ...named.map((name) => `${name}=${hex(registers[name] ?? 0n)}`),
    ...(rflags === 0n ? [] : [`rflags=${hex(rflags)}`]),
    ...(vectorBytes === 0 ? [] : [`vectors=${vectorBytes}`]),
    ...Object.entries(vectors).map(([index, bytes]) => `v${index}=${bytesToText(bytes)}`),
  ].join(' ');
}

/** One operation as a line. */
export function operationToText(operation: Operation): string {
  switch (operation.op) {
    case 'in':
      return `in ${hex(operation.port)} ${operation.size}${raxOption(operation.rax)}`;
    case 'out':
      return `out ${hex(operation.port)} ${operation.size} ${valueAndRest(operation.rax, operation.size)}`;
    case 'load':
      return `load ${hex(operation.address)} ${operation.size}${raxOption(operation.rax)}`;
    case 'store':
      return `store ${hex(operation.address)} ${operation.size} ${valueAndRest(operation.rax, operation.size)}`;
    case 'cpuid':
      return `cpuid ${hex(operation.leaf)} ${hex(operation.subleaf)}`;
    case 'rdtsc':
    case 'crash':
      return operation.op;
    case 'barrier':
      return `barrier timeout=${operation.timeoutCycles}`;
    case 'interrupts':
      return [
        `interrupts count=${operation.count} timeout=${operation.timeoutCycles} end=${operation.end}`,
        ...(operation.acknowledge === undefined ? [] : [`acknowledge=${hex(operation.acknowledge)}`]),
      ].join(' ');
    case 'fill':
      return `fill ${hex(operation.address)} ${operation.length} ${hex(operation.byte)}`;
    case 'write':
      return `write ${hex(operation.address)} ${bytesToText(operation.bytes)}`;
    case 'read':
      return `read ${hex(operation.address)} ${operation.length}`;
    case 'raw':
      return rawToText(operation);
    case 'sample':
      return `sample warmup=${operation.warmup} count=${operation.count} ${operation.stamps ? 'stamps=1 ' : ''}${operationToText(operation.inner)}`;
    default:
      return stringToText(operation);
  }
}

/** A program as text, one operation per line: to store, read and replay. `programFromText` is the inverse. */
export function programToText(program: Program): string {
  return program.operations.map((operation) => `${operationToText(operation)}\n`).join('');
}
