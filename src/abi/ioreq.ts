/** Constants of Xen's public/hvm/ioreq.h; checked against the header by layout.test.ts. */

/** What kind of access an ioreq stands for: `type` of struct ioreq. */
export const ioreqType = {
  /** Port I/O. */
  pio: 0,
  /** Memory-mapped I/O. */
  copy: 1,
  /** A PCI configuration cycle; since Xen 4.5. */
  pciConfig: 2,
  /** The guest changed its clock: broadcast, buffered only; since Xen 4.6. */
  timeOffset: 7,
  /** Drop every mapping of guest memory: broadcast. */
  invalidate: 8,
} as const;

/** The state of a slot of the synchronous page. */
export const ioreqState = { none: 0, ready: 1, inProcess: 2, responseReady: 3 } as const;

/** Bytes of one struct ioreq: a vCPU's slot. */
export const ioreqBytes = 32;

/**
 * Bits of a request, `enum request_bit` of src/native/request.h, and of a trace record. `buffered`: it came through the
 * ring, and nobody waits for an answer.
 */
export const requestBit = { read: 1, dataIsPointer: 2, backwards: 4, buffered: 8 } as const;

/** Bytes of a guest frame. */
export const frameBytes = 4096;

/** Slots of 8 bytes in the buffered page, after its two pointers. */
export const bufferedSlots = 511;

/** Most vCPUs of an HVM domain, and slots of the synchronous page. */
export const maxVcpus = 128;
