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

type Quantity = number | bigint;

/** The operations that `sample` can repeat; also what ProgramBuilder's methods of these names make. */
export const Sampled = {
  /** IN; `rax` before it. */
  in(port: number, size: PortSize, rax: Quantity = 0): InOperation {
    return { op: 'in', port, size, rax: checkUnsigned('rax of in', rax, 8) };
  },

  /** OUT of `value`; `rax` is the rest of the register. */
  out(port: number, size: PortSize, value: Quantity, rax: Quantity = 0): OutOperation {
    checkSize('size of out', size, [1, 2, 4]);
    const low = checkUnsigned('value of out', value, size);
    const rest = checkUnsigned('rax of out', rax, 8);
    const bits = BigInt(size * 8);
    return { op: 'out', port, size, rax: ((rest >> bits) << bits) | low };
  },

  /** MOV from memory; `rax` before it. */
  load(address: Quantity, size: MemorySize, rax: Quantity = 0): LoadOperation {
    return { op: 'load', address: checkUnsigned('address', address, 8), size, rax: checkUnsigned('rax', rax, 8) };
  },

  /** MOV to memory. */
  store(address: Quantity, size: MemorySize, value: Quantity): StoreOperation {
    checkSize('size of store', size, [1, 2, 4, 8]);
    return {
      op: 'store',
      address: checkUnsigned('address', address, 8),
      size,
      rax: checkUnsigned('value of store', value, size),
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
