/**
 * The words through which a request reaches the handler and the answer goes back: `struct request` and
 * `enum serve_code` of src/native. 32-bit each, so that neither a BigInt nor an object is made per request.
 */
export const word = {
  code: 0,
  /** 0 for what comes from the buffered ring, which does not tell. */
  vcpu: 1,
  type: 2,
  /** {@link requestBit} of src/abi. */
  bits: 3,
  addrLow: 4,
  addrHigh: 5,
  dataLow: 6,
  dataHigh: 7,
  count: 8,
  size: 9,
  answerLow: 10,
  answerHigh: 11,
  /** Set by the dispatcher: 1 + the region whose handler was called last, in the order of attachment. */
  region: 12,
  /** How often the buffered ring was found as no Xen leaves it. */
  ringDamaged: 13,
} as const;

/** Why the hot call came back. */
export const serveCode = { request: 0, interrupted: 1, displaced: 2, failed: 3 } as const;
