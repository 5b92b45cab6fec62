import type { RangeMapper } from './pci-placement.ts';

/**
 * Gives an adopted server a range of which it may have parts, or all: the process that died has given it, and nobody here
 * knows. What is there is never taken away: it would be nobody's for a moment, and a vCPU that comes by then reads all ones.
 *
 * The range and what is there are BARs, powers of two at multiples of their size: one lies in the other or they are
 * apart. So all is there if both ends are, unless two smaller BARs were at exactly these ends.
 *
 * @throws what Xen refuses, but that it is there
 */
export function mapInherited(ranges: RangeMapper, memory: boolean, start: number, end: number): void {
  if (tryMap(ranges, memory, start, end)) return;
  if (start === end || (isThere(ranges, memory, start) && isThere(ranges, memory, end))) return;
  const middle = start + Math.floor((end - start) / 2);
  mapInherited(ranges, memory, start, middle);
  mapInherited(ranges, memory, middle + 1, end);
}

/** The error of a range of which a part is there: hvm_map_io_range_to_ioreq_server in Xen. */
export function isThereAlready(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

/** Xen cannot be asked, but it refuses what is there. What is not was nobody's before and is so again. */
function isThere(ranges: RangeMapper, memory: boolean, at: number): boolean {
  if (!tryMap(ranges, memory, at, at)) return true;
  ranges.unmapRange(memory, at, at);
  return false;
}

/** False when a part of it is there. */
function tryMap(ranges: RangeMapper, memory: boolean, start: number, end: number): boolean {
  try {
    ranges.mapRange(memory, start, end);
    return true;
  } catch (error) {
    if (isThereAlready(error)) return false;
    throw error;
  }
}
