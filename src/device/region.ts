import { LabError } from '../errors.ts';

/** Bytes of one access, as a handler sees it: an 8-byte access comes as two of 4, low half first. */
export type AccessSize = 1 | 2 | 4;

/**
 * Answers the accesses to one region. On the hot path, in the server's worker: synchronous and without allocation. A
 * throw answers the access with all ones and fails the scenario; one that takes longer than a second loses its server to
 * the watchdog, which answers with all ones from then on. A missing handler reads all ones, or ignores the write.
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
}

/** What a device claims: a stretch of ports or of guest memory, placed when the device is attached. */
export interface Region {
  /** Port I/O, or guest-physical memory. */
  readonly kind: 'port' | 'memory';
  /** Bytes. */
  readonly size: number;
  /** The widths that reach the handler. Other accesses read all ones, are ignored when they write, and are counted. */
  readonly widths: readonly AccessSize[];
}

/** Options of {@link port} and {@link memory}. */
export interface RegionOptions {
  /** Bytes. */
  readonly size: number;
  /** Defaults to 1, 2 and 4. */
  readonly widths?: readonly AccessSize[];
}

/**
 * Ports of a device.
 *
 * @throws LabError `REGION_INVALID` for a size that is not 1 to 65536
 */
export function port(options: RegionOptions): Region {
  return region('port', options, 0x10000);
}

/**
 * Guest-physical addresses of a device. They must be no memory of the guest's: such accesses never leave it. `HOLE_BELOW_4G`
 * and `HOLE_ABOVE_4G` of `ioreqlab/scenario` are free.
 *
 * @throws LabError `REGION_INVALID` for a size that is no whole number from 1 on
 */
export function memory(options: RegionOptions): Region {
  return region('memory', options, Number.MAX_SAFE_INTEGER);
}

function region(kind: Region['kind'], { size, widths = [1, 2, 4] }: RegionOptions, limit: number): Region {
  if (!Number.isInteger(size) || size < 1 || size > limit) {
    throw new LabError(`a ${kind} region of ${size} bytes: expected 1 to ${limit}`, {
      blame: 'scenario',
      code: 'REGION_INVALID',
    });
  }
  return { kind, size, widths };
}
