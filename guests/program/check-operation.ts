import { GUEST_OWN, SCRATCH } from './addresses.ts';
import { checkInteger, checkSize, checkUnsigned, hex, programError } from './check-values.ts';
import { CONTROL_PORT, END, LIMIT, RAW_RFLAGS } from './format.ts';
import { GPR_NAMES, type AnyStringOperation, type Operation, type RawOperation } from './operation.ts';

const PORT_SIZES = [1, 2, 4] as const;
const MEMORY_SIZES = [1, 2, 4, 8] as const;
const U32 = 0xffff_ffff;

function checkPort(op: string, port: number, size: number): void {
  checkSize(`size of ${op}`, size, PORT_SIZES);
  checkInteger(`port of ${op}`, port, 0, 0xffff);
  if (port < CONTROL_PORT + 4 && port + size > CONTROL_PORT)
    throw programError(`${op} at ${hex(port)} touches the control port ${hex(CONTROL_PORT)}`);
}

function checkMemory(op: string, address: bigint, size: number): void {
  checkSize(`size of ${op}`, size, MEMORY_SIZES);
  checkUnsigned(`address of ${op}`, address, 8);
}

/** Refuses what would overwrite the guest: `elements` of `size` bytes from `address` on, or downwards. */
function checkTarget(op: string, address: bigint, size: number, elements = 1, backward = false): void {
  const span = BigInt(Math.max(elements - 1, 0) * size);
  const low = backward ? address - span : address;
  const end = (backward ? address : address + span) + BigInt(size);
  if (low < GUEST_OWN.end && end > GUEST_OWN.start)
    throw programError(`${op} at ${hex(address)} would overwrite the guest's own memory`);
}

function checkScratch(op: string, address: bigint, length: number): void {
  checkUnsigned(`address of ${op}`, address, 8);
  checkInteger(`length of ${op}`, length, 0, U32);
  if (address < SCRATCH.start || address + BigInt(length) > SCRATCH.end)
    throw programError(
      `${op} of ${length} bytes at ${hex(address)} must lie in scratch memory, ${hex(SCRATCH.start)}..${hex(SCRATCH.end)}`,
    );
}

function checkString(operation: AnyStringOperation): void {
  const { op, size, repeat, backward, count } = operation;
  const comparing = op === 'scas' || op === 'cmps';
  if (repeat === 'repne' && !comparing) throw programError(`${op} has no repne form`);
  checkInteger(`count of ${op}`, count, 0, U32);
  if ('port' in operation) checkPort(op, operation.port, size);
  if ('source' in operation) checkMemory(op, operation.source, size);
  if ('rax' in operation) checkUnsigned(`rax of ${op}`, operation.rax, 8);
  if (!('destination' in operation)) return;
  checkMemory(op, operation.destination, size);
  if (!comparing) checkTarget(op, operation.destination, size, repeat === 'none' ? 1 : count, backward);
}

function checkRaw({ code, registers, rflags, vectorBytes, vectors }: RawOperation): void {
  if (code.length > LIMIT.rawCode) throw programError(`raw code has ${code.length} bytes, at most ${LIMIT.rawCode}`);
  for (const [name, value] of Object.entries(registers)) {
    if (!GPR_NAMES.some((known) => known === name)) throw programError(`raw: no register ${name}`);
    checkUnsigned(name, value, 8);
  }
  if ((rflags & ~BigInt(RAW_RFLAGS)) !== 0n)
    throw programError(`raw: rflags ${hex(rflags)} has bits outside ${hex(RAW_RFLAGS)} (CF PF AF ZF SF DF OF)`);
  checkSize('vectorBytes of raw', vectorBytes, [0, 16, 32]);
  for (const [index, bytes] of Object.entries(vectors)) {
    checkInteger('vector register', Number(index), 0, LIMIT.vectors - 1);
    if (bytes.length !== vectorBytes)
      throw programError(`vector register ${index} has ${bytes.length} bytes, not ${vectorBytes}`);
  }
}

/** Throws a LabError (blame `scenario`, PROGRAM_INVALID) unless the guest would accept the operation. */
export function checkOperation(operation: Operation): void {
  switch (operation.op) {
    case 'in':
    case 'out':
      checkPort(operation.op, operation.port, operation.size);
      checkUnsigned(`rax of ${operation.op}`, operation.rax, 8);
      return;
    case 'load':
    case 'store':
      checkMemory(operation.op, operation.address, operation.size);
      checkUnsigned(`rax of ${operation.op}`, operation.rax, 8);
      if (operation.op === 'store') checkTarget('store', operation.address, operation.size);
      return;
    case 'cpuid':
      checkInteger('leaf of cpuid', operation.leaf, 0, U32);
      checkInteger('subleaf of cpuid', operation.subleaf, 0, U32);
      return;
    case 'rdtsc':
    case 'crash':
      return;
    case 'interrupts':
      checkInteger('count of interrupts', operation.count, 1, LIMIT.interrupts);
      checkUnsigned('timeoutCycles of interrupts', operation.timeoutCycles, 8);
      if (END[operation.end] === undefined) throw programError(`interrupts: nobody is called ${String(operation.end)}`);
      if (operation.acknowledge === undefined) return;
      checkPort('acknowledge of interrupts', operation.acknowledge, 4);
      checkInteger('acknowledge of interrupts', operation.acknowledge, 1, 0xffff);
      return;
    case 'barrier':
      checkUnsigned('timeoutCycles of barrier', operation.timeoutCycles, 8);
      return;
    case 'fill':
      checkScratch('fill', operation.address, operation.length);
      checkInteger('byte of fill', operation.byte, 0, 0xff);
      return;
    case 'write':
      checkScratch('write', operation.address, operation.bytes.length);
      return;
    case 'read':
      checkScratch('read', operation.address, operation.length);
      return;
    case 'raw':
      checkRaw(operation);
      return;
    case 'sample':
      checkInteger('warmup of sample', operation.warmup, 0, U32);
      checkInteger('count of sample', operation.count, 0, U32);
      checkOperation(operation.inner);
      return;
    default:
      checkString(operation);
  }
}
