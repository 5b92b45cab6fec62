import type { TraceRecord } from 'ioreqlab/scenario';

/**
 * Requests in short: `r4x3*` reads three elements of four bytes, whose data the device model moves to or from RAM (`*`);
 * `w1-` writes one byte and steps downwards.
 */
export function requestsOf(records: readonly TraceRecord[]): string[] {
  return records.map(({ isRead, size, count, dataIsPointer, backwards }) => {
    const times = count === 1 ? '' : `x${count}`;
    return `${isRead ? 'r' : 'w'}${size}${times}${dataIsPointer ? '*' : ''}${backwards ? '-' : ''}`;
  });
}
