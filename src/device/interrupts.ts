/** A level-triggered interrupt line, as one device drives it. */
export interface InterruptLine {
  /** What was set last. */
  readonly level: boolean;
  /** Drives the line; it is asserted as long as one of its drivers asserts it. One call of Xen when that changes. */
  set(level: boolean): void;
  /** Asserts and releases: an edge. */
  pulse(): void;
}

/** Messages of a PCI function with an MSI capability. */
export interface MessageInterrupt {
  /** True while the guest has enabled MSI and bus mastering. */
  readonly isEnabled: boolean;
  /**
   * Sends the message of a vector, below as many as the guest has enabled.
   *
   * @returns false when the guest has not enabled it, or Xen refuses what the guest has programmed
   */
  fire(vector?: number): boolean;
}

/** A device's interrupts. In the server's worker, from `create` on; lines are released when the server is closed. */
export interface Interrupts {
  /** Whether the guest has ISA interrupts: HVM guests have, PVH guests have not. */
  readonly hasIsa: boolean;
  /**
   * An ISA interrupt line. Xen has one bit for each line and domain: a line that QEMU drives, too, is whoever's came last.
   *
   * @throws LabError `INTERRUPT_INVALID` unless it is 0 to 15, `ISA_INTERRUPTS_MISSING`
   */
  isa(irq: number): InterruptLine;
  /**
   * The INTx line of the device's PCI function; held back while the guest has set the command register's interrupt
   * disable bit, and shown in the status register.
   *
   * @param region which PCI function; not needed when the device has one
   * @throws LabError `INTERRUPT_INVALID` when there is no such function, or it has no interrupt pin
   */
  intx(region?: string): InterruptLine;
  /**
   * The messages of the device's PCI function.
   *
   * @throws LabError `INTERRUPT_INVALID` when there is no such function, or it has no MSI capability
   */
  msi(region?: string): MessageInterrupt;
  /**
   * Sends a message that the device keeps itself, such as an entry of an MSI-X table.
   *
   * @param address 0xfeexxxxx
   * @returns false when Xen refuses it
   */
  sendMsi(address: number, data: number): boolean;
  /**
   * Routes a PCI link (0 to 3) to an ISA interrupt line (0: to none), which is what the chipset's PIRQ registers do: line
   * `pin` (0 is INTA#) of device d is link (d + pin) & 3 (hvm_pci_intx_link in xen/arch/x86/include/asm/hvm/irq.h). In an
   * HVM guest they are QEMU's. Undone when the server is closed.
   *
   * @throws LabError `INTERRUPT_INVALID`, `ISA_INTERRUPTS_MISSING`
   */
  setPciLinkRoute(link: number, irq: number): void;
}
