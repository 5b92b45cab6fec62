/** A request as Xen's emulator hands it to its own handlers and to the choice of an ioreq server: `ioreq_t`. */
export interface IoRequest {
  /** `pio` or `copy` of {@link ioreqType}; a PCI configuration cycle is still `pio` here, its rewriting is routing's. */
  readonly type: number;
  readonly isRead: boolean;
  /** `data_is_ptr`: `data` is the guest-physical address of the data. */
  readonly dataIsPointer: boolean;
  /** `df`: addresses step downwards. */
  readonly backwards: boolean;
  /** Bytes of one repetition: 1, 2, 4 or 8. */
  readonly size: number;
  /** Repetitions, at least 1. */
  readonly count: number;
  /** Port, or guest-physical address. */
  readonly address: bigint;
  /** The value written, zero-extended from `size` bytes; 0 for a read; or where the data is. */
  readonly data: bigint;
}

/**
 * What came of a request. `unhandled`: ioreq_send found the slot or the channel spoilt, or the vCPU unknown to the server;
 * Xen gives the emulation up. `crashed`: Xen crashed the domain.
 */
export type Answer =
  | {
      /** What a direct read gave; only its low `size` bytes count. */
      readonly data: bigint;
      /** Repetitions that are done: fewer than asked for when one of Xen's own handlers cut the batch. */
      readonly count: number;
      /** An ioreq server gave it, so that Xen has to come back to the instruction; otherwise Xen itself, at once. */
      readonly isFromServer: boolean;
    }
  | 'unhandled'
  | 'crashed';

/** What an instruction sees of the world. Linear addresses are guest-physical ones: the guest maps its memory one to one. */
export interface World {
  /** True when the frame of this guest-physical address is RAM; every other frame is MMIO (p2m_mmio_dm). */
  isRam(address: bigint): boolean;
  /** Bytes of RAM inside one frame. */
  readRam(address: bigint, length: number): Uint8Array;
  /** Writes RAM inside one frame. */
  writeRam(address: bigint, bytes: Uint8Array): void;
  /**
   * Carries a request out: Xen's own handlers, then the ioreq server that owns the range, then nobody (all ones). Who
   * answers a request with `dataIsPointer` moves the data to or from RAM.
   */
  send(request: IoRequest): Answer;
}

const pageMask = 0xfffn;

/** Splits a piece of memory where frames end. */
export function* frames(
  address: bigint,
  length: number,
): Generator<{ address: bigint; offset: number; length: number }> {
  for (let offset = 0; offset < length;) {
    const at = address + BigInt(offset);
    const part = Math.min(length - offset, 0x1000 - Number(at & pageMask));
    yield { address: at, offset, length: part };
    offset += part;
  }
}

/** True when all of it is RAM. */
export function isAllRam(world: World, address: bigint, length: number): boolean {
  for (const frame of frames(address, length)) if (!world.isRam(frame.address)) return false;
  return true;
}

/** Bytes of RAM, over any number of frames. */
export function readAllRam(world: World, address: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const frame of frames(address, length)) bytes.set(world.readRam(frame.address, frame.length), frame.offset);
  return bytes;
}

/** Writes RAM, over any number of frames. */
export function writeAllRam(world: World, address: bigint, bytes: Uint8Array): void {
  for (const frame of frames(address, bytes.length)) {
    world.writeRam(frame.address, bytes.subarray(frame.offset, frame.offset + frame.length));
  }
}
