export * as word from './word.ts';

/** Why the hot call came back. */
export const serveCode = { request: 0, interrupted: 1, displaced: 2, failed: 3 } as const;
