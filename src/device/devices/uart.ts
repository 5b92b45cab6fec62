import type { InterruptLine } from '../interrupts.ts';

/*
 * Names and values are those of National Semiconductor's data sheet of the PC16550D: TABLE I (reset), TABLE II (summary of
 * registers), TABLE IV (interrupt control functions), and its sections about each register.
 */
const fifoBytes = 16;
/** RCVR FIFO interrupt trigger levels, FCR bits 7 and 6. */
const triggerLevels = [1, 4, 8, 14] as const;
const ier = { received: 1, transmitterEmpty: 2, lineStatus: 4, modemStatus: 8, all: 15 } as const;
const lcr = { wordLength: 3, divisorLatch: 0x80 } as const;
const mcr = { dtr: 1, rts: 2, out1: 4, out2: 8, loop: 16, all: 31 } as const;
const lsr = { dataReady: 1, overrun: 2, errors: 0x1e, transmitterEmpty: 0x60 } as const;
const msr = { cts: 0x10, dsr: 0x20, ri: 0x40, dcd: 0x80, deltas: 15, ringEnded: 4 } as const;
/** Interrupt identification: TABLE IV, from the highest priority down. */
const iir = { lineStatus: 6, received: 4, timeout: 12, transmitterEmpty: 2, modemStatus: 0, none: 1, fifos: 0xc0 };

/** What a {@link Uart} is, as JSON can hold it. */
export interface UartState {
  readonly divisor: number;
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly lsr: number;
  readonly msr: number;
  readonly scratch: number;
  readonly isTransmitterNews: boolean;
  /** What was received and not read yet. */
  readonly received: readonly number[];
  /** What is still to be received. */
  readonly input: string;
  /** The newest bytes that were sent, as many as are kept. */
  readonly sent: string;
  /** How many were sent in all. */
  readonly sentBytes: number;
}

/** Sent bytes that are kept. */
export const keptBytes = 4096;

/**
 * A UART of type 16550. It moves bytes, not waveforms: what is sent has gone at once, so that the transmitter is always
 * empty; there are no parity, framing and break conditions; the time-out of the receiver FIFO is over at once. Bytes that
 * are to be received wait outside until there is room: only in loopback mode can the receiver be overrun.
 */
export class Uart {
  readonly #line: InterruptLine | undefined;
  readonly #received = new Uint8Array(fifoBytes);
  #head = 0;
  #count = 0;
  readonly #sent = new Uint8Array(keptBytes);
  #sentBytes = 0;
  readonly #initialInput: string;
  #input: string;
  #divisor = 0;
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  /** Only the errors: the other bits follow from the rest. */
  #errors = 0;
  #msr: number = msr.cts | msr.dsr | msr.dcd;
  #scratch = 0;
  /** THR has become empty, and nobody has been told. */
  #isTransmitterNews = false;

  /** @param line where INTR goes @param input what is to be received, a byte each */
  constructor(line?: InterruptLine, input = '') {
    this.#line = line;
    this.#initialInput = input;
    this.#input = input;
    this.#refill();
  }

  /** Register 0 to 7. */
  read(register: number): number {
    const value = this.#read(register);
    this.#update();
    return value;
  }

  /** Register 0 to 7. */
  write(register: number, value: number): void {
    this.#write(register, value & 0xff);
    this.#update();
  }

  /** Master reset: TABLE I. The divisor latch, the scratch register and what is received are kept by it on the chip. */
  reset(): void {
    this.#head = this.#count = this.#sentBytes = 0;
    this.#ier = this.#fcr = this.#lcr = this.#mcr = this.#errors = 0;
    this.#divisor = this.#scratch = 0;
    this.#msr = msr.cts | msr.dsr | msr.dcd;
    this.#isTransmitterNews = false;
    this.#input = this.#initialInput;
    this.#refill();
    this.#update();
  }

  snapshot(): UartState {
    const sent = Array.from({ length: Math.min(this.#sentBytes, keptBytes) }, (_, i) => {
      const at = this.#sentBytes > keptBytes ? this.#sentBytes + i : i;
      return String.fromCharCode(this.#sent[at % keptBytes] as number);
    });
    return {
      ...{ divisor: this.#divisor, ier: this.#ier, fcr: this.#fcr, lcr: this.#lcr, mcr: this.#mcr },
      ...{ lsr: this.#lineStatus, msr: this.#msr, scratch: this.#scratch, isTransmitterNews: this.#isTransmitterNews },
      received: Array.from({ length: this.#count }, (_, i) => this.#received[(this.#head + i) % fifoBytes] as number),
      ...{ input: this.#input, sent: sent.join(''), sentBytes: this.#sentBytes },
    };
  }

  restore(state: UartState): void {
    this.#divisor = state.divisor & 0xffff;
    this.#ier = state.ier & ier.all;
    this.#fcr = state.fcr & 0xc9;
    this.#lcr = state.lcr & 0xff;
    this.#mcr = state.mcr & mcr.all;
    this.#errors = state.lsr & lsr.errors;
    this.#msr = state.msr & 0xff;
    this.#scratch = state.scratch & 0xff;
    this.#isTransmitterNews = state.isTransmitterNews;
    this.#head = 0;
    this.#count = Math.min(state.received.length, fifoBytes);
    this.#received.set(state.received.slice(0, fifoBytes));
    this.#input = state.input;
    const kept = state.sent.slice(-keptBytes);
    this.#sentBytes = Math.max(state.sentBytes, kept.length);
    for (let i = 0; i < kept.length; i++) {
      this.#sent[(this.#sentBytes - kept.length + i) % keptBytes] = kept.charCodeAt(i);
    }
    this.#update();
  }

  #read(register: number): number {
    const isLatch = (this.#lcr & lcr.divisorLatch) !== 0;
    switch (register) {
      case 0:
        return isLatch ? this.#divisor & 0xff : this.#takeReceived();
      case 1:
        return isLatch ? this.#divisor >> 8 : this.#ier;
      case 2: {
        const identified = this.#identify();
        if (identified === iir.transmitterEmpty) this.#isTransmitterNews = false;
        return identified | (this.#hasFifos ? iir.fifos : 0);
      }
      case 3:
        return this.#lcr;
      case 4:
        return this.#mcr;
      case 5: {
        const status = this.#lineStatus;
        this.#errors = 0;
        return status;
      }
      case 6: {
        const status = this.#msr;
        this.#msr &= ~msr.deltas;
        return status;
      }
      default:
        return this.#scratch;
    }
  }

  #write(register: number, value: number): void {
    const isLatch = (this.#lcr & lcr.divisorLatch) !== 0;
    switch (register) {
      case 0:
        if (isLatch) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#transmit(value);
        break;
      case 1:
        if (isLatch) this.#divisor = (this.#divisor & 0xff) | (value << 8);
        else {
          // Enabling it while THR is empty is news, too.
          if ((value & ~this.#ier & ier.transmitterEmpty) !== 0) this.#isTransmitterNews = true;
          this.#ier = value & ier.all;
        }
        break;
      case 2:
        this.#control(value);
        break;
      case 3:
        this.#lcr = value;
        break;
      case 4:
        this.#mcr = value & mcr.all;
        this.#followModem();
        break;
      case 7:
        this.#scratch = value;
        break;
      // LSR and MSR are for reading: writing them is for factory tests.
      default:
        break;
    }
  }

  /** FCR. Its other bits count only with bit 0; changing that one empties the FIFOs. */
  #control(value: number): void {
    const isOn = (value & 1) !== 0;
    if (isOn !== this.#hasFifos || (isOn && (value & 2) !== 0)) this.#head = this.#count = 0;
    this.#fcr = isOn ? value & 0xc9 : 0;
    this.#refill();
  }

  get #hasFifos(): boolean {
    return (this.#fcr & 1) !== 0;
  }

  get #lineStatus(): number {
    return lsr.transmitterEmpty | this.#errors | (this.#count > 0 ? lsr.dataReady : 0);
  }

  #transmit(value: number): void {
    const byte = value & (0xff >> (3 - (this.#lcr & lcr.wordLength)));
    this.#isTransmitterNews = true;
    if ((this.#mcr & mcr.loop) !== 0) this.#receive(byte);
    else this.#sent[this.#sentBytes++ % keptBytes] = byte;
  }

  #receive(byte: number): void {
    const room = this.#hasFifos ? fifoBytes : 1;
    if (this.#count === room) {
      this.#errors |= lsr.overrun;
      // The FIFO keeps what it has; without it, the new byte overwrites the old one.
      if (!this.#hasFifos) this.#received[this.#head] = byte;
      return;
    }
    this.#received[(this.#head + this.#count++) % fifoBytes] = byte;
  }

  #takeReceived(): number {
    if (this.#count === 0) return 0;
    const byte = this.#received[this.#head] as number;
    this.#head = (this.#head + 1) % fifoBytes;
    this.#count--;
    this.#refill();
    return byte;
  }

  /** Lets in what waits outside; in loopback mode the receiver is not connected to it. */
  #refill(): void {
    if (this.#input === '' || (this.#mcr & mcr.loop) !== 0) return;
    const room = (this.#hasFifos ? fifoBytes : 1) - this.#count;
    for (let i = 0; i < Math.min(room, this.#input.length); i++) this.#receive(this.#input.charCodeAt(i));
    if (room > 0) this.#input = this.#input.slice(room);
  }

  /** The modem's lines, or in loopback mode our own outputs; what has changed is told by the delta bits. */
  #followModem(): void {
    let lines: number = msr.cts | msr.dsr | msr.dcd;
    if ((this.#mcr & mcr.loop) !== 0) {
      lines =
        ((this.#mcr & mcr.rts) !== 0 ? msr.cts : 0) |
        ((this.#mcr & mcr.dtr) !== 0 ? msr.dsr : 0) |
        ((this.#mcr & mcr.out1) !== 0 ? msr.ri : 0) |
        ((this.#mcr & mcr.out2) !== 0 ? msr.dcd : 0);
    }
    const changed = ((lines ^ this.#msr) >> 4) & 15;
    // RI tells only its trailing edge.
    const deltas = (lines & msr.ri) !== 0 ? changed & ~msr.ringEnded : changed;
    this.#msr = lines | (this.#msr & msr.deltas) | deltas;
    this.#refill();
  }

  #identify(): number {
    const trigger = this.#hasFifos ? (triggerLevels[this.#fcr >> 6] as number) : 1;
    if ((this.#ier & ier.lineStatus) !== 0 && this.#errors !== 0) return iir.lineStatus;
    if ((this.#ier & ier.received) !== 0 && this.#count >= trigger) return iir.received;
    if ((this.#ier & ier.received) !== 0 && this.#count > 0) return iir.timeout;
    if ((this.#ier & ier.transmitterEmpty) !== 0 && this.#isTransmitterNews) return iir.transmitterEmpty;
    if ((this.#ier & ier.modemStatus) !== 0 && (this.#msr & msr.deltas) !== 0) return iir.modemStatus;
    return iir.none;
  }

  #update(): void {
    this.#line?.set(this.#identify() !== iir.none);
  }
}
