import type { Duplex } from 'node:stream';
import { encodeFrame, FrameReader, type Frame } from '../../src/agent/frames.ts';
import { replySchema, type AgentEvent } from '../../src/agent/protocol.ts';
import { LabError, messageOf } from '../../src/errors.ts';
import { fromWire } from '../../src/wire-error.ts';

/** How long the agent gets for its orderly end. */
const endMs = 20_000;

/** A reply of the agent: its unchecked result and the blobs that came with it. */
export interface AgentReply {
  readonly result: unknown;
  readonly blobs: readonly Uint8Array[];
}

interface Pending {
  resolve(reply: AgentReply): void;
  reject(error: Error): void;
}

/** Something that answers requests: the agent, or what relays to it. `R` are the requests that it takes. */
export interface Requester<R> {
  /**
   * Sends a request and waits for its reply.
   *
   * @throws LabError what was answered; `AGENT_LOST` when the connection is gone; the signal's reason
   */
  request(request: R, blobs?: readonly Uint8Array[], signal?: AbortSignal): Promise<AgentReply>;
}

/** Requests and replies, as frames on a stream. */
export class AgentConnection<R> implements Requester<R>, AsyncDisposable {
  readonly #channel: Duplex;
  readonly #where: string;
  readonly #pending = new Map<number, Pending>();
  readonly #closed: Promise<void>;
  readonly #stderr: string[] = [];
  readonly #listeners = new Set<(event: AgentEvent) => void>();
  #next = 0;
  #lost: LabError | undefined;
  #isEnding = false;

  /**
   * @param where names the other side in messages
   * @param stderr what the other side complains on; its last words go into the error when the connection is lost
   */
  constructor(channel: Duplex, where: string, stderr?: NodeJS.ReadableStream) {
    this.#channel = channel;
    this.#where = where;
    const reader = new FrameReader();
    channel.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) this.#hear(frame);
      } catch (error) {
        this.#fail(`the agent sent nonsense: ${messageOf(error)}`);
        channel.destroy();
      }
    });
    stderr?.on('data', (chunk: Buffer) => {
      this.#stderr.push(chunk.toString('utf8'));
      if (this.#stderr.length > 100) this.#stderr.shift();
    });
    channel.on('error', (error: Error) => this.#fail(error.message));
    this.#closed = new Promise((resolve) => {
      channel.once('close', () => {
        this.#fail('the connection to it ended');
        resolve();
      });
    });
  }

  /** Calls back with everything the agent says unasked, until the returned function is called. */
  onEvent(listener: (event: AgentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async request(request: R, blobs: readonly Uint8Array[] = [], signal?: AbortSignal): Promise<AgentReply> {
    if (this.#lost !== undefined) throw this.#lost;
    signal?.throwIfAborted();
    const id = this.#next++;
    const bytes = encodeFrame({ header: { id, request }, blobs });
    return await new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#pending.delete(id);
        reject(signal?.reason as Error);
      };
      const settled = (): void => signal?.removeEventListener('abort', abort);
      this.#pending.set(id, {
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal?.addEventListener('abort', abort, { once: true });
      this.#channel.write(bytes);
    });
  }

  /** Ends the stream and waits for the other side to do so: an agent first ends all that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    this.#channel.end();
    const timer = setTimeout(() => this.#channel.destroy(), endMs);
    await this.#closed;
    clearTimeout(timer);
  }

  #hear({ header, blobs }: Frame): void {
    const reply = replySchema.parse(header);
    if ('event' in reply) {
      for (const listener of this.#listeners) listener(reply);
      return;
    }
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) pending?.resolve({ result: reply.result, blobs });
    else pending?.reject(fromWire(reply.error));
  }

  #fail(why: string): void {
    if (this.#lost !== undefined) return;
    const evidence = this.#stderr.join('').trim();
    this.#lost = new LabError(`the agent on ${this.#where} is gone: ${why}${evidence === '' ? '' : `\n${evidence}`}`, {
      blame: 'host',
      code: 'AGENT_LOST',
      next: 'look at the serial log and the host: ioreqlab host check',
      evidence,
    });
    if (this.#isEnding && this.#pending.size === 0) return;
    for (const { reject } of this.#pending.values()) reject(this.#lost);
    this.#pending.clear();
  }
}
