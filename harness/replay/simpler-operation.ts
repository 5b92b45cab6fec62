import { GPR_NAMES, type Operation } from '../../guests/program/index.ts';

/** Values that are simpler than one, the simplest first. */
function* simplerValues(value: bigint, bytes: number): Generator<bigint> {
  for (const simple of [0n, 1n, BigInt.asUintN(8 * bytes, 0x0807_0605_0403_0201n), BigInt.asUintN(8 * bytes, value)]) {
    // One way only, or two values would take turns for ever.
    if (simple < value) yield simple;
  }
}

/**
 * Operations that are simpler than one, each in one respect: a smaller count, fewer registers, easier values. What is left of
 * an operation in the end says what matters.
 */
export function* simplerOperations(operation: Operation): Generator<Operation> {
  switch (operation.op) {
    case 'in':
    case 'load':
    case 'out':
    case 'store':
      for (const rax of simplerValues(operation.rax, operation.size)) yield { ...operation, rax };
      return;
    case 'ins':
    case 'outs':
    case 'movs':
    case 'cmps':
    case 'stos':
    case 'lods':
    case 'scas':
      if (operation.backward) yield { ...operation, backward: false };
      if (operation.repeat !== 'none') yield { ...operation, repeat: 'none', count: 1 };
      for (const count of [1, 2, operation.count >> 1, operation.count - 1]) {
        if (operation.repeat !== 'none' && count >= 1 && count < operation.count) yield { ...operation, count };
      }
      if (operation.repeat === 'none' && operation.count !== 1) yield { ...operation, count: 1 };
      if ('rax' in operation) {
        for (const rax of simplerValues(operation.rax, operation.size)) yield { ...operation, rax };
      }
      return;
    case 'raw': {
      const { registers, rflags, code } = operation;
      if (rflags !== 0n) yield { ...operation, rflags: 0n };
      if (Object.keys(operation.vectors).length > 0) yield { ...operation, vectors: {} };
      if (code[0] === 0xf0) yield { ...operation, code: code.slice(1) };
      for (const name of GPR_NAMES) {
        const value = registers[name];
        if (value === undefined || name === 'rsp' || name === 'rbx') continue;
        const { [name]: _left, ...others } = registers;
        yield { ...operation, registers: others };
        for (const simple of simplerValues(value, 8)) {
          if (simple !== 0n) yield { ...operation, registers: { ...registers, [name]: simple } };
        }
      }
      return;
    }
    case 'read':
      if (operation.length > 8) {
        const half = operation.length >> 1;
        yield { ...operation, length: half };
        yield { ...operation, address: operation.address + BigInt(half), length: operation.length - half };
      }
      return;
    case 'write':
      if (operation.bytes.length > 8) {
        const half = operation.bytes.length >> 1;
        yield { ...operation, bytes: operation.bytes.slice(0, half) };
        yield { ...operation, address: operation.address + BigInt(half), bytes: operation.bytes.slice(half) };
      }
      return;
    default:
  }
}
