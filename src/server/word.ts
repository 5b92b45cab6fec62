/*
 * The words through which a request reaches the handler and the answer goes back: `struct request` of src/native. 32-bit
 * each, so that neither a BigInt nor an object is made per request.
 *
 * The hot path takes them by `import * as word from './word.ts'`: as in hot-constants.ts.
 */

/** serveCode of request.ts. */
export const code = 0;
/** 0 for what comes from the buffered ring, which does not tell. */
export const vcpu = 1;
export const type = 2;
/** requestBit of src/abi. */
export const bits = 3;
export const addrLow = 4;
export const addrHigh = 5;
export const dataLow = 6;
export const dataHigh = 7;
export const count = 8;
export const size = 9;
export const answerLow = 10;
export const answerHigh = 11;
/** Set by the dispatcher: 1 + the region whose handler was called last, in the order of attachment. */
export const region = 12;
/** How often the buffered ring was found as no Xen leaves it. */
export const ringDamaged = 13;
