import type { ioreqType, requestBit } from '../abi/ioreq.ts';
import type { serveCode } from './request.ts';

/*
 * Constants of the hot path. Imported from here they become numbers in the bundle; the fields of an object, and constants
 * of the file itself, are looked up each time (esbuild inlines across files only).
 */
export const isRequest: typeof serveCode.request = 0;
export const pio: typeof ioreqType.pio = 0;
export const pciConfig: typeof ioreqType.pciConfig = 2;
export const readBit: typeof requestBit.read = 1;
export const pointerBit: typeof requestBit.dataIsPointer = 2;

/**
 * Requests of one call of `serveSome` (server-worker.ts). A loop that never ends would run for ever in what V8 made of it
 * in the middle (on-stack replacement), which took 420 instructions a request where the code that a call finds takes 180;
 * the caller's loop turns so rarely that it is not compiled for a long time, and takes nothing into itself.
 */
export const requestsPerCall = 4096;
