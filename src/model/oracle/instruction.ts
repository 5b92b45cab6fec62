import type { Gpr } from '../../abi/registers.ts';
import type { Register } from './cpu.ts';

/** Bytes of a port access. */
export type PortWidth = 1 | 2 | 4;
/** Bytes of an access through a general register. */
export type Width = 1 | 2 | 4 | 8;

/** Where a value comes from: its low bytes are taken. */
export type Operand = { readonly register: Register } | { readonly immediate: bigint };

/** What a read-modify-write instruction does with memory. */
export type Modification =
  | 'add'
  | 'or'
  | 'adc'
  | 'sbb'
  | 'and'
  | 'sub'
  | 'xor'
  | 'inc'
  | 'dec'
  | 'not'
  | 'neg'
  | 'rol'
  | 'ror'
  | 'rcl'
  | 'rcr'
  | 'shl'
  | 'shr'
  | 'sar'
  | 'bts'
  | 'btr'
  | 'btc'
  | 'shld'
  | 'shrd'
  | 'xchg'
  | 'xadd';

/** What an instruction does with a register and memory, to the register. */
export type Combination = 'add' | 'or' | 'adc' | 'sbb' | 'and' | 'sub' | 'xor' | 'cmp' | 'imul';

/** What an instruction finds out about the bits of memory, for a register. */
export type BitCount = 'bsf' | 'bsr' | 'tzcnt' | 'lzcnt' | 'popcnt';

/** What an SSE instruction does with a register and memory, to the register. */
export type VectorCombination = 'pxor' | 'por' | 'pand' | 'pandn' | 'paddb' | 'paddw' | 'paddd' | 'paddq';

/** The prefix of a string instruction. */
export type Repetition = 'none' | 'rep' | 'repne';

/**
 * One instruction of a 64-bit guest, by what it does; addresses are 64 bits wide and already computed.
 *
 * - `in`, `out`: with EAX, AX or AL. `load`: MOV, XLAT, and MOVZX, MOVSX with `into`. `store`: MOV, MOVNTI. `isSwapped`:
 *   MOVBE.
 * - `loadIf`, `storeIf`: CMOVcc, which reads also when the condition does not hold, and SETcc; `condition` as {@link holds}
 *   takes it.
 * - `loadVector`, `storeVector`: MOVD, MOVQ, MOVUPS and the like. A load clears the rest of the register: of XMM, or with
 *   `isVex` of YMM. `isAligned`: those that fault on a misaligned address, such as MOVAPS. `at`: of the register only the
 *   bytes from there on take part, such as MOVHPS, PINSRB, PEXTRB.
 * - `combineVector`: an operation with an aligned memory operand. `maskedStore`: MASKMOVDQU.
 * - the string instructions: addresses, count and direction are in RSI, RDI, RCX and RFLAGS.DF, the port in DX. `isNarrow`:
 *   in the lower halves of these registers.
 * - `modify`: read-modify-write, with or without LOCK, which makes no difference on MMIO. `inc`, `dec`, `not`, `neg` take
 *   no operand. `bts`, `btr`, `btc` with a register reach beyond the addressed word. `xchg`, `xadd` give the old value to
 *   their register. `shld`, `shrd` shift by `by`.
 * - `combine`: arithmetic with memory as its second operand; the result is the register's. `count`: BSF and the like.
 * - `compareExchange`: CMPXCHG of `source`. `compareExchangePair`: CMPXCHG8B (`size` 8), CMPXCHG16B (16).
 * - `test`: reads memory for its flags: CMP, TEST of memory with an operand, BT.
 * - `push`, `pop`: with a memory operand. `pushValue`, `popRegister`, `enter`, `leave`: of the stack alone.
 * - `address`: LEA. `nothing`: names memory and leaves it alone: PREFETCH, CLFLUSH, NOP.
 * - `fault`: what the processor refuses by its bytes alone: #UD (6), #GP (13) where it has more than 15 of them.
 */
export type Instruction =
  | { readonly kind: 'in'; readonly size: PortWidth; readonly port: number }
  | { readonly kind: 'out'; readonly size: PortWidth; readonly port: number }
  | {
      readonly kind: 'load';
      readonly size: Width;
      readonly address: bigint;
      readonly register: Register;
      /** Wider than `size`: zero- or sign-extended to these bytes. */
      readonly into?: { readonly size: 2 | 4 | 8; readonly isSigned: boolean };
      readonly isSwapped?: boolean;
    }
  | {
      readonly kind: 'store';
      readonly size: Width;
      readonly address: bigint;
      readonly source: Operand;
      readonly isSwapped?: boolean;
    }
  | {
      readonly kind: 'loadIf';
      readonly size: 2 | 4 | 8;
      readonly address: bigint;
      readonly register: Gpr;
      readonly condition: number;
    }
  | { readonly kind: 'storeIf'; readonly size: 1; readonly address: bigint; readonly condition: number }
  | {
      readonly kind: 'loadVector' | 'storeVector';
      readonly size: 1 | 2 | 4 | 8 | 16 | 32;
      readonly address: bigint;
      /** 0 to 15. */
      readonly vector: number;
      readonly at?: number;
      readonly isVex?: boolean;
      readonly isAligned?: boolean;
    }
  | {
      readonly kind: 'combineVector';
      readonly size: 16;
      readonly operation: VectorCombination;
      readonly address: bigint;
      readonly vector: number;
    }
  | {
      readonly kind: 'maskedStore';
      readonly size: 16;
      readonly address: bigint;
      readonly vector: number;
      readonly mask: number;
    }
  | {
      readonly kind: 'ins' | 'outs';
      readonly size: PortWidth;
      readonly repeat: Repetition;
      readonly isNarrow?: boolean;
    }
  | {
      readonly kind: 'movs' | 'stos' | 'lods' | 'scas' | 'cmps';
      readonly size: Width;
      readonly repeat: Repetition;
      readonly isNarrow?: boolean;
    }
  | {
      readonly kind: 'modify';
      readonly operation: Modification;
      readonly size: Width;
      readonly address: bigint;
      readonly operand?: Operand;
      readonly by?: bigint;
    }
  | {
      readonly kind: 'test';
      readonly operation: 'cmp' | 'test' | 'bt';
      readonly size: Width;
      readonly address: bigint;
      readonly operand: Operand;
    }
  | {
      readonly kind: 'combine';
      readonly operation: Combination;
      readonly size: Width;
      readonly address: bigint;
      readonly register: Register;
    }
  | {
      readonly kind: 'count';
      readonly operation: BitCount;
      readonly size: 2 | 4 | 8;
      readonly address: bigint;
      readonly register: Gpr;
    }
  | { readonly kind: 'compareExchange'; readonly size: Width; readonly address: bigint; readonly source: Register }
  | { readonly kind: 'compareExchangePair'; readonly size: 8 | 16; readonly address: bigint }
  | { readonly kind: 'push' | 'pop'; readonly size: 2 | 8; readonly address: bigint }
  | { readonly kind: 'pushValue'; readonly size: 2 | 8; readonly source: Operand }
  | { readonly kind: 'popRegister'; readonly size: 2 | 8; readonly register: Gpr }
  | { readonly kind: 'enter'; readonly frameBytes: number }
  | { readonly kind: 'leave' }
  | { readonly kind: 'address'; readonly size: 2 | 4 | 8; readonly address: bigint; readonly register: Gpr }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'fault'; readonly vector: 6 | 13 };

/** What became of an instruction; the vCPU's registers say how far it came. */
export type Outcome =
  | {
      readonly kind: 'done';
      /** Bits of RFLAGS that the manual leaves undefined after it; none when missing. */
      readonly undefinedFlags?: bigint;
    }
  /** An exception for the guest: 13 is #GP, which is also how Xen gives up. */
  | { readonly kind: 'fault'; readonly vector: number; readonly errorCode: number }
  /**
   * Xen gave it up after a server had answered, and so executes it again and again, from its beginning, with all its
   * requests. The registers, and what was written, are those after the first time.
   */
  | { readonly kind: 'livelock' }
  /** Xen crashed the domain. */
  | { readonly kind: 'crash'; readonly reason: string };

/** #GP(0): what a processor raises by itself. */
export const generalProtection: Outcome = { kind: 'fault', vector: 13, errorCode: 0 };
