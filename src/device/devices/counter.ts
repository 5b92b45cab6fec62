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
  create(options: CounterOptions, { shared }) {
    checkOptions('counter', check, options);
    const { first = 0, step = 1 } = options;
    // Of all its instances: a server may have a worker for each vCPU.
    const next = new Uint32Array(shared('next', 4));
    const set = (value: number): void => void Atomics.store(next, 0, value);
    set(first);
    return {
      count: {
        read: () => Atomics.add(next, 0, step),
        write: (_offset, _size, value) => set(value),
      },
      reset: () => set(first),
      snapshot: () => ({ next: Atomics.load(next, 0) }),
      restore: (state: { readonly next: number }) => set(state.next),
    };
  },
});
