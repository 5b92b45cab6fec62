import { defineDevice } from '../define-device.ts';
import { checkOptions, fields, wholeNumber } from '../options.ts';
import { isSpace, regionIn, type Space } from './space.ts';

/** Options of {@link counter}. */
export interface CounterOptions {
  /** Default `port`. */
  readonly space?: Space;
  /** What the first read gives; default 0. */
  readonly first?: number;
  /** What is added at each read, modulo 2^32; default 1. */
  readonly step?: number;
}

const check = fields({ space: isSpace, first: wholeNumber(0, 0xffff_ffff), step: wholeNumber(0, 0xffff_ffff) });

/**
 * A counter: every read, of whatever width, gives the next number, and which gives that number only once; a write sets it.
 * Its region `count` has 4 bytes and is read at its start.
 */
export const counter = defineDevice({
  name: 'ioreqlab/counter',
  regions: ({ space = 'port' }: CounterOptions) => ({ count: regionIn(space, { size: 4, alignment: 'natural' }) }),
  create(options: CounterOptions) {
    checkOptions('counter', check, options);
    const { first = 0, step = 1 } = options;
    let next = first;
    return {
      count: {
        read: () => {
          const value = next;
          next = (next + step) >>> 0;
          return value;
        },
        write: (_offset, _size, value) => {
          next = value;
        },
      },
      reset: () => {
        next = first;
      },
      snapshot: () => ({ next }),
      restore: (state: { readonly next: number }) => {
        next = state.next >>> 0;
      },
    };
  },
});
