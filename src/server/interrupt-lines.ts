import type { InterruptLine } from '../device/interrupts.ts';
import { LabError } from '../errors.ts';

/** What interrupts need of the addon. */
export interface InterruptSink {
  hasIsaInterrupts(): boolean;
  setIsaIrqLevel(irq: number, level: number): void;
  setPciIntxLevel(device: number, line: number, level: number): void;
  setPciLinkRoute(link: number, irq: number): void;
  injectMsi(address: number, data: number): void;
}

/** The interrupt lines that a server's devices drive: each is asserted as long as one of them asserts it. */
export class InterruptLines {
  readonly #sink: InterruptSink;
  readonly #isa = Array.from({ length: 16 }, () => 0);
  readonly #intx = Array.from({ length: 32 * 4 }, () => 0);
  /** Links that were routed. */
  readonly #routed = new Set<number>();

  constructor(sink: InterruptSink) {
    this.#sink = sink;
  }

  get hasIsa(): boolean {
    return this.#sink.hasIsaInterrupts();
  }

  /** @throws LabError `INTERRUPT_INVALID`, `ISA_INTERRUPTS_MISSING` */
  isa(irq: number): InterruptLine {
    this.#checkIsa();
    checkInterrupt('an ISA interrupt', irq, 15);
    return new Line((level) => this.#count(this.#isa, irq, level, () => this.#sink.setIsaIrqLevel(irq, level)));
  }

  /** Adds or takes away one that asserts a PCI line. */
  setIntx(device: number, line: number, level: 0 | 1): void {
    this.#count(this.#intx, device * 4 + line, level, () => this.#sink.setPciIntxLevel(device, line, level));
  }

  /** @returns false when Xen refuses: the address and the data are often the guest's */
  sendMsi(address: number, data: number): boolean {
    try {
      this.#sink.injectMsi(address, data);
      return true;
    } catch {
      return false;
    }
  }

  /** @throws LabError `INTERRUPT_INVALID`, `ISA_INTERRUPTS_MISSING` */
  setPciLinkRoute(link: number, irq: number): void {
    this.#checkIsa();
    checkInterrupt('a PCI link', link, 3);
    checkInterrupt('an ISA interrupt', irq, 15);
    this.#routed.add(link);
    this.#sink.setPciLinkRoute(link, irq);
  }

  /** Releases all lines and undoes all routes, since another device model may use the guest next. Never throws. */
  release(): void {
    const attempt = (call: () => void): void => {
      try {
        call();
      } catch {
        // The guest is gone, and its lines with it.
      }
    };
    this.#isa.forEach((count, irq) => count > 0 && attempt(() => this.#sink.setIsaIrqLevel(irq, 0)));
    this.#intx.forEach((count, i) => count > 0 && attempt(() => this.#sink.setPciIntxLevel(i >> 2, i & 3, 0)));
    for (const link of this.#routed) attempt(() => this.#sink.setPciLinkRoute(link, 0));
    this.#isa.fill(0);
    this.#intx.fill(0);
    this.#routed.clear();
  }

  #checkIsa(): void {
    if (this.hasIsa) return;
    throw new LabError('the guest has no ISA interrupts: a PVH guest has only its local APICs', {
      blame: 'scenario',
      code: 'ISA_INTERRUPTS_MISSING',
      next: 'use message-signalled interrupts, or an HVM guest',
    });
  }

  #count(counts: number[], at: number, level: 0 | 1, call: () => void): void {
    const before = counts[at] ?? 0;
    const now = level === 1 ? before + 1 : Math.max(0, before - 1);
    counts[at] = now;
    if (before === 0 || now === 0) call();
  }
}

/** One driver of a line. */
export class Line implements InterruptLine {
  readonly #drive: (level: 0 | 1) => void;
  level = false;

  /** @param drive called when the level changes */
  constructor(drive: (level: 0 | 1) => void) {
    this.#drive = drive;
  }

  set(level: boolean): void {
    if (level === this.level) return;
    this.level = level;
    this.#drive(level ? 1 : 0);
  }

  pulse(): void {
    this.set(true);
    this.set(false);
  }
}

function checkInterrupt(what: string, number: number, most: number): void {
  if (Number.isInteger(number) && number >= 0 && number <= most) return;
  throw new LabError(`${what} of number ${number}: expected 0 to ${most}`, {
    blame: 'scenario',
    code: 'INTERRUPT_INVALID',
  });
}
