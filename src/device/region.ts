import { LabError } from '../errors.ts';

/** Bytes of one access, as `read` and `write` of a handler see it. */
export type AccessSize = 1 | 2 | 4;

/** Bytes of one access of a guest. */
export type AccessWidth = AccessSize | 8;

/**
 * Answers the accesses to one region. On the hot path, in the server's worker: synchronous and without allocation. A
 * throw answers the access with all ones and fails the scenario; one that takes longer than a second loses its server to
 * the watchdog, which answers with all ones from then on. A missing handler reads all ones, or ignores the write. Only
 * accesses that the region declares reach it: inside it, of its widths, aligned if it says so.
 */
export interface RegionHandler {
  /**
   * @param offset bytes from the region's start
   * @returns the value; only its low `size` bytes are used
   */
  read?(offset: number, size: AccessSize): number;
  /**
   * @param offset bytes from the region's start
   * @param value zero-extended from `size` bytes
   */
  write?(offset: number, size: AccessSize, value: number): void;
  /**
   * Reads 8 bytes at once, for regions that have 8 among their widths.
   *
   * @param result two words, low half first: all ones unless they are written; not to be kept
   */
  read8?(offset: number, result: Uint32Array): void;
  /** Writes 8 bytes at once, for regions that have 8 among their widths. Unsigned halves. */
  write8?(offset: number, low: number, high: number): void;
}

/** `any`: every offset; `natural`: offsets that are a multiple of the access's width. */
export type Alignment = 'any' | 'natural';

/** What a device claims: a stretch of ports or of guest memory, placed when the device is attached. */
export interface Region {
  /** Port I/O, or guest-physical memory. */
  readonly kind: 'port' | 'memory';
  /** Bytes. */
  readonly size: number;
  /**
   * The widths that reach the handler. Other accesses read all ones, are ignored when they write, and are counted. An
   * 8-byte access reaches `read8` and `write8` when 8 is among them, else it is two of 4, low half first, when 4 is.
   */
  readonly widths: readonly AccessWidth[];
  /** Accesses at other offsets read all ones, are ignored when they write, and are counted. */
  readonly alignment: Alignment;
}

/** Options of {@link port} and {@link memory}. */
export interface RegionOptions {
  /** Bytes. */
  readonly size: number;
  /** Default 1, 2 and 4. */
  readonly widths?: readonly AccessWidth[];
  /** Default `any`. */
  readonly alignment?: Alignment;
}

/**
 * Ports of a device.
 *
 * @throws LabError `REGION_INVALID` for a size that is not 1 to 65536, for widths or an alignment that there are not
 */
export function port(options: RegionOptions): Region {
  return region('port', options, 0x10000);
}

/**
 * Guest-physical addresses of a device. They must be no memory of the guest's: such accesses never leave it. `HOLE_BELOW_4G`
 * and `HOLE_ABOVE_4G` of `ioreqlab/scenario` are free.
 *
 * @throws LabError `REGION_INVALID` for a size that is no whole number from 1 on, for widths or an alignment that there
 * are not
 */
export function memory(options: RegionOptions): Region {
  return region('memory', options, Number.MAX_SAFE_INTEGER);
}

function region(
  kind: Region['kind'],
  { size, widths = [1, 2, 4], alignment = 'any' }: RegionOptions,
  limit: number,
): Region {
  if (!Number.isInteger(size) || size < 1 || size > limit) {
    throw invalidRegion(`a ${kind} region of ${size} bytes: expected 1 to ${limit}`);
  }
  checkAccess(`a ${kind} region`, widths, alignment);
  return { kind, size, widths, alignment };
}

/** Checks what a region says about accesses. @throws LabError `REGION_INVALID` */
export function checkAccess(what: string, widths: readonly AccessWidth[], alignment: Alignment): void {
  if (widths.length === 0 || widths.some((width) => ![1, 2, 4, 8].includes(width))) {
    throw invalidRegion(`${what} with widths [${widths.join(', ')}]: expected some of 1, 2, 4 and 8`);
  }
  if (!['any', 'natural'].includes(alignment)) {
    throw invalidRegion(`${what} with alignment ${JSON.stringify(alignment)}: expected "any" or "natural"`);
  }
}

/** The error of a claim that cannot be. */
export function invalidRegion(message: string): LabError {
  return new LabError(message, { blame: 'scenario', code: 'REGION_INVALID' });
}
