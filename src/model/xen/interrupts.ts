import { XenError } from './xen-error.ts';

/** Pirqs of a guest: nr_pirqs of a domU is at most this on any host that the model stands for. */
const maxPirqs = 0x1_0000;
/** Delivery modes of an MSI: those that vmsi_deliver() knows. */
const deliveryMode = { fixed: 0, lowestPriority: 1 } as const;

/**
 * A guest's interrupt lines, as device models move them: struct hvm_irq of xen/arch/x86/hvm/irq.c. Lines are levels: what
 * is asserted twice is asserted once.
 */
export class Interrupts {
  readonly #isa = new Set<number>();
  /** Device times 4 plus pin. */
  readonly #pci = new Set<number>();
  readonly #routes = [0, 0, 0, 0];

  /** True while somebody holds the ISA line. */
  isIsaAsserted(irq: number): boolean {
    return this.#isa.has(irq);
  }

  /** The PCI pins that are asserted. */
  get pins(): readonly { readonly device: number; readonly pin: number }[] {
    return [...this.#pci].map((index) => ({ device: index >> 2, pin: index & 3 }));
  }

  /** How many hold an interrupt of the I/O APIC: gsi_assert_count. ISA line 0 is GSI 2. */
  gsiCount(gsi: number): number {
    const isa = [...this.#isa].filter((irq) => (irq === 0 ? 2 : irq) === gsi).length;
    const pins = [...this.#pci].filter((pin) => gsiOf(pin) === gsi).length;
    const links = this.#routes.filter((irq, link) => irq !== 0 && irq === gsi && this.linkCount(link) > 0).length;
    return isa + pins + links;
  }

  /** How many pins pull a PIRQ link. */
  linkCount(link: number): number {
    return [...this.#pci].filter((pin) => ((pin >> 2) + (pin & 3)) % 4 === link).length;
  }

  /** Throws EINVAL. */
  setIsa(irq: number, level: number): void {
    if (irq > 15 || level > 1) throw new XenError('EINVAL', 'no such line or level');
    if (level === 1) this.#isa.add(irq);
    else this.#isa.delete(irq);
  }

  /** Throws EINVAL. */
  setPci(segment: number, bus: number, device: number, pin: number, level: number): void {
    if (segment !== 0 || bus !== 0 || device > 31 || pin > 3 || level > 1) throw new XenError('EINVAL', 'no such pin');
    if (level === 1) this.#pci.add(device * 4 + pin);
    else this.#pci.delete(device * 4 + pin);
  }

  /** Where a link leads; 0: nowhere. What is asserted moves along. Throws EINVAL. */
  setRoute(link: number, irq: number): void {
    if (link > 3 || irq > 15) throw new XenError('EINVAL', 'no such link or line');
    this.#routes[link] = irq;
  }

  /**
   * hvm_inject_msi(). Vector 0 names a pirq, which this does not keep; throws EINVAL, ERANGE.
   *
   * @param isUnsigned the version's fact `unsignedPirq`
   */
  injectMsi(addr: bigint, data: number, isUnsigned: boolean): void {
    const destination = Number((addr >> 12n) & 0xffn);
    if ((data & 0xff) === 0) {
      const high = Number((addr >> 32n) & 0xffff_ff00n);
      const pirq = isUnsigned ? (high | destination) >>> 0 : high | destination;
      if (pirq <= 0) throw new XenError('ERANGE', 'no such pirq');
      if (pirq >= maxPirqs) throw new XenError('EINVAL', 'no such pirq');
      return;
    }
    const mode = (data >> 8) & 7;
    if (mode !== deliveryMode.fixed && mode !== deliveryMode.lowestPriority) {
      throw new XenError('EINVAL', 'no such delivery mode');
    }
  }
}

/** hvm_pci_intx_gsi(). */
function gsiOf(pin: number): number {
  const device = pin >> 2;
  return 16 + ((device * 4 + (device >> 3) + (pin & 3)) & 31);
}
