import { LabError } from '../../src/errors.ts';

/** The error of a program that makes no sense. */
export function programError(message: string): LabError {
  return new LabError(message, { blame: 'scenario', code: 'PROGRAM_INVALID' });
}

/** A number as people write addresses. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** Checks an integer of at most 32 bits (inclusive bounds). */
export function checkInteger(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw programError(`${name} must be an integer from ${hex(least)} to ${hex(most)}, not ${String(value)}`);
}

/** Checks an unsigned value of `bytes` bytes, given as a number (exact integer) or a bigint. */
export function checkUnsigned(name: string, value: number | bigint, bytes: number): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw programError(`${name} must be an exact integer (use a bigint beyond 2^53), not ${String(value)}`);
  const big = BigInt(value);
  if (big >= 0n && big < 1n << BigInt(bytes * 8)) return big;
  throw programError(`${name} ${hex(big)} does not fit in ${bytes} byte${bytes === 1 ? '' : 's'}`);
}

/** Checks an access size. */
export function checkSize<Size extends number>(name: string, value: number, sizes: readonly Size[]): Size {
  const found = sizes.find((size) => size === value);
  if (found !== undefined) return found;
  throw programError(`${name} must be ${sizes.join(', ')} bytes, not ${String(value)}`);
}
