import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { LabError } from '../../src/errors.ts';

/** What is recorded: anything that JSON can hold, with a type to tell it by. BigInts become decimal text. */
export interface EventInput {
  readonly type: string;
  /** Set by the log. */
  readonly time?: never;
  /** Set by the log. */
  readonly ms?: never;
  readonly [field: string]: unknown;
}

/** One line of `events.ndjson`. */
export interface RunEvent {
  readonly type: string;
  /** Wall clock, ISO 8601, UTC. */
  readonly time: string;
  /** Milliseconds since the log was opened, by a clock that nobody sets. */
  readonly ms: number;
  readonly [field: string]: unknown;
}

/**
 * The master record of a run, append-only. Each event is one write call to a file in append mode: it is with the kernel before
 * `append` returns, and stays there when this process is killed.
 */
export class EventLog implements Disposable {
  readonly #start = performance.now();
  #file: number | undefined;

  constructor(path: string) {
    this.#file = openSync(path, 'ax');
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Throws a LabError when the log is closed, and what the file system says when the disk is full. */
  append(event: EventInput): void {
    if (this.#file === undefined) throw afterTheEnd(`event "${event.type}"`);
    const ms = Math.round((performance.now() - this.#start) * 1000) / 1000;
    const line = JSON.stringify({ time: new Date().toISOString(), ms, ...event }, withBigInts);
    writeSync(this.#file, `${line}\n`);
  }

  /** Closes the file once everything is on the disk. Closing twice does no harm. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    fsyncSync(this.#file);
    closeSync(this.#file);
    this.#file = undefined;
  }
}

/** What may not happen any more once a run is finished. */
export function afterTheEnd(what: string): LabError {
  return new LabError(`${what} after the end of the run`, { blame: 'harness', code: 'RUN_FINISHED' });
}

function withBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/**
 * All events in `events.ndjson`. A line that is no event (the last one, if the writer was killed while it wrote) is left out
 * and counted as `torn`.
 */
export async function readEvents(path: string): Promise<{ events: RunEvent[]; torn: number }> {
  const events: RunEvent[] = [];
  let torn = 0;
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    if (line === '') continue;
    const event = parsedEvent(line);
    if (event === undefined) torn += 1;
    else events.push(event);
  }
  return { events, torn };
}

function parsedEvent(line: string): RunEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is RunEvent {
  if (typeof value !== 'object' || value === null) return false;
  if (!('time' in value && 'ms' in value && 'type' in value)) return false;
  return typeof value.time === 'string' && typeof value.ms === 'number' && typeof value.type === 'string';
}
