import { ioreqType } from '../../abi/ioreq.ts';
import type { IoRequest } from './world.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const typeNames: Readonly<Record<number, string>> = {
  [ioreqType.pio]: 'port',
  [ioreqType.copy]: 'memory',
  [ioreqType.pciConfig]: 'PCI',
};

/** A request in a line, such as `port 0x5100: read 4 x 24 to RAM 0x2000100, downwards`. */
export function describeRequest(request: Omit<IoRequest, 'type'> & { readonly type: number }): string {
  const { type, isRead, dataIsPointer, backwards, size, count, address, data } = request;
  const what = `${typeNames[type] ?? `type ${type}`} ${hex(address)}: ${isRead ? 'read' : 'write'} ${size}`;
  const times = count === 1 ? '' : ` x ${count}`;
  const value = dataIsPointer
    ? ` ${isRead ? 'to' : 'from'} RAM ${hex(data)}`
    : data !== 0n || !isRead
      ? ` = ${hex(data)}`
      : '';
  return `${what}${times}${value}${backwards ? ', downwards' : ''}`;
}

/**
 * What a line of a comparison is about: a request of a server; what a device answered; the registers or flags that the guest
 * saw; how the instruction ended; memory.
 */
export type RowSubject = 'request' | 'answer' | 'registers' | 'flags' | 'end' | 'memory';

/** One line of a comparison: what the oracle expects beside what was seen. */
export interface Row {
  readonly subject: RowSubject;
  /** Missing: the oracle expects nothing here. */
  readonly expected?: string;
  /** Missing: there was nothing. */
  readonly seen?: string;
  readonly isSame: boolean;
}

/** The rows of one operation of a program. */
export interface Comparison {
  /** Which run, which vCPU, which operation. */
  readonly label: string;
  /** Where that is: of the runs that were compared, from 0; the vCPU; the operation, by its number in the program. */
  readonly at?: { readonly run: number; readonly vcpu: number; readonly operation?: number | undefined };
  readonly rows: readonly Row[];
}

/** Rows of an operation that are the same and shown before one that differs. */
const contextRows = 3;

/**
 * The operations that differ, expected and seen side by side; `!` marks what differs. Empty when nothing does.
 *
 * @param most how many operations are shown
 */
export function formatComparisons(comparisons: readonly Comparison[], most = 8): string {
  const wrong = comparisons.filter(({ rows }) => rows.some(({ isSame }) => !isSame));
  const shown = wrong.slice(0, most).map(({ label, rows }) => {
    const first = rows.findIndex(({ isSame }) => !isSame);
    const from = Math.max(first - contextRows, 0);
    const left = Math.max(8, ...rows.slice(from).map(({ expected = 'nothing' }) => expected.length));
    const lines = rows.slice(from).map(({ expected = 'nothing', seen = 'nothing', isSame }) => {
      return `  ${isSame ? ' ' : '!'} ${expected.padEnd(left)} | ${seen}`;
    });
    const skipped = from === 0 ? [] : [`    ... ${from} as expected`];
    return [label, `    ${'expected'.padEnd(left)} | seen`, ...skipped, ...lines].join('\n');
  });
  if (wrong.length > most) shown.push(`and ${wrong.length - most} operations more`);
  return shown.join('\n');
}
