import { defineDevice } from '../define-device.ts';
import { checkOptions, fields, wholeNumber } from '../options.ts';
import { isSpace, regionIn, type Space } from './space.ts';

/** Options of {@link ramWindow}. */
export interface RamWindowOptions {
  /** Bytes; default 4096, at most 16 MiB; of ports at most 65536. */
  readonly size?: number;
  /** Default `memory`. */
  readonly space?: Space;
  /** What each byte is at first; default 0. */
  readonly fill?: number;
}

const check = fields({ size: wholeNumber(1, 0x100_0000), space: isSpace, fill: wholeNumber(0, 255) });

/** Bytes behind a region, `window`: read and written at any offset and in any width, of 8 bytes too. */
export const ramWindow = defineDevice({
  name: 'ioreqlab/ramWindow',
  regions(options: RamWindowOptions) {
    checkOptions('ramWindow', check, options);
    const { size = 4096, space = 'memory' } = options;
    return { window: regionIn(space, { size, widths: [1, 2, 4, 8] }) };
  },
  create({ size = 4096, fill = 0 }: RamWindowOptions, { shared }) {
    const bytes = new Uint8Array(shared('bytes', size)).fill(fill);
    const view = new DataView(bytes.buffer);
    return {
      window: {
        read: (offset, width) =>
          width === 4
            ? view.getUint32(offset, true)
            : width === 2
              ? view.getUint16(offset, true)
              : view.getUint8(offset),
        write: (offset, width, value) => {
          if (width === 4) view.setUint32(offset, value, true);
          else if (width === 2) view.setUint16(offset, value, true);
          else view.setUint8(offset, value);
        },
        read8: (offset, result) => {
          result[0] = view.getUint32(offset, true);
          result[1] = view.getUint32(offset + 4, true);
        },
        write8: (offset, low, high) => {
          view.setUint32(offset, low, true);
          view.setUint32(offset + 4, high, true);
        },
      },
      reset: () => void bytes.fill(fill),
      snapshot: () => ({ base64: Buffer.from(bytes).toString('base64') }),
      restore: (state: { readonly base64: string }) => {
        bytes.set(Buffer.from(state.base64, 'base64').subarray(0, size));
      },
    };
  },
});
