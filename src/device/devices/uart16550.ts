import { defineDevice } from '../define-device.ts';
import { checkOptions, fields, latin1, wholeNumber } from '../options.ts';
import { regionIn, isSpace, type Space } from './space.ts';
import { Uart, type UartState } from './uart.ts';

/** Options of {@link uart16550}. */
export interface Uart16550Options {
  /** The ISA interrupt line of INTR, such as 4; default none. HVM guests only. */
  readonly irq?: number;
  /** What is to be received, a byte for each character; at most 65536. Default nothing. */
  readonly input?: string;
  /** Default `port`. */
  readonly space?: Space;
}

const check = fields({ irq: wholeNumber(0, 15), input: latin1(0x1_0000), space: isSpace });

/**
 * A serial port of type 16550 with its eight registers in `registers`, accessed a byte at a time. Its snapshot is a
 * `UartState`: what was sent is in `sent`. What it leaves out is said in `uart.ts`. Its server has one worker.
 */
export const uart16550 = defineDevice({
  name: 'ioreqlab/uart16550',
  regions(options: Uart16550Options) {
    checkOptions('uart16550', check, options);
    return { registers: regionIn(options.space ?? 'port', { size: 8, widths: [1] }) };
  },
  create({ irq, input }: Uart16550Options, { interrupts }) {
    const uart = new Uart(irq === undefined ? undefined : interrupts.isa(irq), input);
    return {
      registers: {
        read: (offset) => uart.read(offset),
        write: (offset, _size, value) => uart.write(offset, value),
      },
      reset: () => uart.reset(),
      snapshot: () => uart.snapshot(),
      restore: (state: UartState) => uart.restore(state),
    };
  },
});
