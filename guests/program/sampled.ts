import type { Quantity } from './builder-options.ts';
import { checkSize, checkUnsigned } from './check-values.ts';
import type {
  CpuidOperation,
  InOperation,
  LoadOperation,
  MemorySize,
  OutOperation,
  PortSize,
  RdtscOperation,
  StoreOperation,
} from './operation.ts';

function withLowBytes(op: string, size: number, value: Quantity, rax: Quantity): bigint {
  const low = checkUnsigned(`value of ${op}`, value, size);
  const bits = BigInt(size * 8);
  return ((checkUnsigned(`rax of ${op}`, rax, 8) >> bits) << bits) | low;
}

/** The operations that `sample` can repeat; also what ProgramBuilder's methods of these names make. */
export const Sampled = {
  /** IN; `rax` before it. */
  in(port: number, size: PortSize, rax: Quantity = 0): InOperation {
    return { op: 'in', port, size, rax: checkUnsigned('rax of in', rax, 8) };
  },

  /** OUT of `value`; `rax` is the rest of the register. */
  out(port: number, size: PortSize, value: Quantity, rax: Quantity = 0): OutOperation {
    checkSize('size of out', size, [1, 2, 4]);
    return { op: 'out', port, size, rax: withLowBytes('out', size, value, rax) };
  },

  /** MOV from memory; `rax` before it. */
  load(address: Quantity, size: MemorySize, rax: Quantity = 0): LoadOperation {
    return { op: 'load', address: checkUnsigned('address', address, 8), size, rax: checkUnsigned('rax', rax, 8) };
  },

  /** MOV of `value` to memory; `rax` is the rest of the register. */
  store(address: Quantity, size: MemorySize, value: Quantity, rax: Quantity = 0): StoreOperation {
    checkSize('size of store', size, [1, 2, 4, 8]);
    return {
      op: 'store',
      address: checkUnsigned('address', address, 8),
      size,
      rax: withLowBytes('store', size, value, rax),
    };
  },

  /** CPUID. */
  cpuid(leaf: number, subleaf = 0): CpuidOperation {
    return { op: 'cpuid', leaf, subleaf };
  },

  /** The empty loop: what measuring itself costs. */
  rdtsc(): RdtscOperation {
    return { op: 'rdtsc' };
  },
} as const;
