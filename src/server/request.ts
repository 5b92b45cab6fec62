/**
 * The words through which a request reaches the handler and the answer goes back: `enum request_word` and
 * `enum serve_code` of src/native. 32-bit each, so that neither a BigInt nor an object is made per request.
 */
export const word = {
  code: 0,
  vcpu: 1,
  type: 2,
  bits: 3,
  size: 4,
  count: 5,
  addrLow: 6,
  addrHigh: 7,
  dataLow: 8,
  dataHigh: 9,
  answerLow: 10,
  answerHigh: 11,
  /** Set by the dispatcher: 1 + the region whose handler was called last, in the order of attachment. */
  region: 12,
} as const;

/** Why the hot call came back. */
export const serveCode = { request: 0, interrupted: 1, displaced: 2, failed: 3 } as const;
