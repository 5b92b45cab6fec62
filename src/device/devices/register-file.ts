import { defineDevice } from '../define-device.ts';
import { MaskedBytes } from '../masked-bytes.ts';
import { checkOptions, fields, oneOf, record, wholeNumber } from '../options.ts';
import { invalidRegion } from '../region.ts';
import { isSpace, regionIn, type Space } from './space.ts';

/** A register of {@link registerFile}. Masks have a bit for each bit of the register. */
export interface RegisterOptions {
  /** Bytes from the region's start. */
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4;
  /** What it holds at first; default 0. */
  readonly reset?: number;
  /** Bits that take what is written; default all but `writeOneToClear`. */
  readonly writable?: number;
  /** Bits that a written 1 clears; default none. */
  readonly writeOneToClear?: number;
}

/** Options of {@link registerFile}. */
export interface RegisterFileOptions {
  /** By name. They may not overlap. */
  readonly registers: Readonly<Record<string, RegisterOptions>>;
  /** Default `port`. */
  readonly space?: Space;
  /** Bytes of the region; default: as many as the registers need, rounded up to a multiple of 4. */
  readonly size?: number;
}

const check = fields({
  registers: record(
    fields({
      offset: wholeNumber(0, 0xffff),
      width: oneOf(1, 2, 4),
      reset: wholeNumber(0, 0xffff_ffff),
      writable: wholeNumber(0, 0xffff_ffff),
      writeOneToClear: wholeNumber(0, 0xffff_ffff),
    }),
  ),
  space: isSpace,
  size: wholeNumber(1, 0x1_0000),
});

const sizeOf = ({ registers, size }: RegisterFileOptions): number =>
  size ?? Math.max(4, ...Object.values(registers).map(({ offset, width }) => Math.ceil((offset + width) / 4) * 4));

/**
 * Named registers in one region, `registers`. An access may take a part of a register, or several: each byte is its
 * register's. Bytes of no register read all ones and ignore writes.
 */
export const registerFile = defineDevice({
  name: 'ioreqlab/registerFile',
  regions(options: RegisterFileOptions) {
    checkOptions('registerFile', check, options);
    return { registers: regionIn(options.space ?? 'port', { size: sizeOf(options) }) };
  },
  create(options: RegisterFileOptions, { shared }) {
    const size = sizeOf(options);
    const file = new MaskedBytes(new Uint8Array(shared('registers', size)));
    const places = Object.entries(options.registers);
    const owners = Array.from({ length: size }, (): string | undefined => undefined);
    for (const [name, { offset, width, reset = 0, writeOneToClear = 0, writable = ~writeOneToClear }] of places) {
      for (let byte = 0; byte < width; byte++) {
        const at = offset + byte;
        if (at >= size) throw invalidRegion(`register ${name} lies outside the region of ${size} bytes`);
        if (owners[at] !== undefined) throw invalidRegion(`register ${name} overlaps ${owners[at]}`);
        owners[at] = name;
        file.bytes[at] = reset >>> (8 * byte);
        file.writable[at] = writable >>> (8 * byte);
        file.clearable[at] = writeOneToClear >>> (8 * byte);
      }
    }
    owners.forEach((owner, at) => owner === undefined && (file.bytes[at] = 0xff));
    const initial = file.bytes.slice();
    const valueOf = (offset: number, width: number): number => {
      let value = 0;
      for (let byte = width - 1; byte >= 0; byte--) value = (value << 8) | file.read(offset + byte);
      return value >>> 0;
    };
    return {
      registers: {
        read: valueOf,
        write: (offset, width, value) => {
          for (let byte = 0; byte < width; byte++) file.write(offset + byte, (value >>> (8 * byte)) & 0xff);
        },
      },
      reset: () => file.bytes.set(initial),
      snapshot: () => Object.fromEntries(places.map(([name, { offset, width }]) => [name, valueOf(offset, width)])),
      restore: (state: Readonly<Record<string, number>>) => {
        for (const [name, { offset, width }] of places) {
          for (let byte = 0; byte < width; byte++) file.bytes[offset + byte] = (state[name] ?? 0) >>> (8 * byte);
        }
      },
    };
  },
});
