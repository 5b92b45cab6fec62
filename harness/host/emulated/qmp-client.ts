import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { LabError } from '../../../src/errors.ts';

const greetingSchema = z.object({ QMP: z.object({ version: z.unknown() }) });
const eventSchema = z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) });
const replySchema = z.union([
  z.object({ return: z.unknown(), id: z.number() }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.number().optional() }),
]);

/** Something that QEMU tells without being asked. */
export type QmpEvent = z.infer<typeof eventSchema>;

/** How long QEMU may take to answer: it answers at once, unless the machine is drowning. */
const answerMs = 30_000;

interface Open {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** QEMU's machine protocol (docs/interop/qmp-spec.txt in QEMU's sources): one JSON object a line, in both directions. */
export class QmpClient implements Disposable {
  readonly #stream: Duplex;
  readonly #open = new Map<number, Open>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #greeting: Promise<unknown>;
  #greet: Open | undefined;
  #lastId = 0;
  #lost: LabError | undefined;

  private constructor(stream: Duplex) {
    this.#stream = stream;
    this.#greeting = new Promise((resolve, reject) => (this.#greet = { resolve, reject }));
    stream.on('error', (error) => this.#fail(lost(error)));
    stream.on('close', () => this.#fail(lost()));
    createInterface({ input: stream, crlfDelay: Infinity })
      .on('line', (line) => this.#receive(line))
      .on('error', () => undefined)
      .on('close', () => this.#fail(lost()));
  }

  /**
   * Waits for QEMU's greeting and ends the negotiation. The client owns the stream from then on.
   *
   * @throws LabError with blame `harness`, code `QMP_LOST`, when QEMU is gone; `QMP_ERROR` for what is no QMP
   */
  static async open(stream: Duplex, signal?: AbortSignal): Promise<QmpClient> {
    const client = new QmpClient(stream);
    try {
      await withSignal(client.#greeting, limited(signal));
      await client.execute('qmp_capabilities', {}, signal);
      return client;
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Runs a command and gives what it returns, unchecked.
   *
   * @throws LabError with blame `harness`: `QMP_ERROR` with QEMU's words when it refuses, `QMP_LOST` when it is gone
   */
  async execute(command: string, options: Record<string, unknown> = {}, signal?: AbortSignal): Promise<unknown> {
    if (this.#lost) throw this.#lost;
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => this.#open.set(id, { resolve, reject }));
    this.#stream.write(`${JSON.stringify({ execute: command, arguments: options, id })}\n`);
    try {
      return await withSignal(answer, limited(signal));
    } catch (error) {
      if (error instanceof QmpRefusal) throw refused(`QEMU refuses ${command}: ${error.message}`);
      throw error;
    } finally {
      this.#open.delete(id);
    }
  }

  /** Resolves at the next event that fits. Listen before running the command that causes it. */
  async event(fits: (event: QmpEvent) => boolean, signal: AbortSignal): Promise<QmpEvent> {
    if (this.#lost) throw this.#lost;
    const id = ++this.#lastId;
    let listener: ((event: QmpEvent) => void) | undefined;
    const seen = new Promise<unknown>((resolve, reject) => {
      listener = (event) => fits(event) && resolve(event);
      this.#listeners.add(listener);
      this.#open.set(id, { resolve, reject });
    });
    try {
      return (await withSignal(seen, signal)) as QmpEvent;
    } finally {
      this.#open.delete(id);
      if (listener) this.#listeners.delete(listener);
    }
  }

  /** Closes the connection; QEMU goes on. */
  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  #receive(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return this.#fail(refused(`this is no QMP: ${line.slice(0, 200)}`));
    }
    const event = eventSchema.safeParse(message);
    if (event.success) return this.#listeners.forEach((listener) => listener(event.data));
    if (greetingSchema.safeParse(message).success) return this.#greet?.resolve(undefined);
    const reply = replySchema.safeParse(message);
    if (!reply.success) return this.#fail(refused(`this is no QMP: ${line.slice(0, 200)}`));
    const open = this.#open.get(reply.data.id ?? -1);
    if ('error' in reply.data) open?.reject(new QmpRefusal(reply.data.error.desc));
    else open?.resolve(reply.data.return);
  }

  #fail(reason: LabError): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.#stream.destroy();
    // Nobody may be waiting for the greeting any more.
    this.#greeting.catch(() => undefined);
    this.#greet?.reject(reason);
    for (const { reject } of this.#open.values()) reject(reason);
  }
}

class QmpRefusal extends Error {}

function limited(signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(answerMs);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

async function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}

function lost(cause?: unknown): LabError {
  return new LabError('the connection to QEMU is lost', { blame: 'harness', code: 'QMP_LOST', cause });
}

function refused(message: string): LabError {
  return new LabError(message, { blame: 'harness', code: 'QMP_ERROR' });
}
