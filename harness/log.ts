import pino from 'pino';

const level = process.env['IOREQLAB_LOG'] ?? 'warn';

/**
 * The log of the orchestrator, on stderr; results go to stdout. `IOREQLAB_LOG=debug` tells more. Never holds secrets,
 * nor what a guest printed, except as a JSON string.
 */
export const log: pino.Logger = pino(
  { level, base: null },
  process.stderr.isTTY === true
    ? (await import('pino-pretty')).default({ destination: 2, sync: true, ignore: 'pid,hostname' })
    : pino.destination({ fd: 2, sync: true }),
);
