import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { MAX_VCPUS } from '../../guests/program/index.ts';
import { encodeFrame, FrameReader, type Frame } from '../../src/agent/frames.ts';
import {
  environmentSchema,
  guestRequestSchema,
  numberedRequestSchema,
  parseRequest,
  surviveSchema,
  type AgentEvent,
  type Request,
} from '../../src/agent/protocol.ts';
import { LabError, messageOf } from '../../src/errors.ts';
import { toWire } from '../../src/wire-error.ts';
import type { AgentReply, Requester } from './agent-connection.ts';
import type { GuestPool } from './guest-pool.ts';

/** Bytes of a socket's path: unix(7). Node cuts longer ones off and says nothing. */
const longestPath = 107;

const prefix = 'ioreqlab-';
const socketName = 'relay';

/** What scenarios ask for: what guests' device models do, and guests themselves. */
export const relayRequestSchema = z.discriminatedUnion('do', [
  ...guestRequestSchema.options,
  surviveSchema,
  z.object({
    do: z.literal('acquireGuest'),
    environment: environmentSchema,
    vcpus: z.number().int().min(1).max(MAX_VCPUS),
    alone: z.boolean(),
  }),
  z.object({ do: z.literal('discardGuest'), guest: z.string() }),
  z.object({ do: z.literal('xenLog') }),
  z.object({ do: z.literal('environment') }),
]);
export type RelayRequest = z.infer<typeof relayRequestSchema>;

/** What a {@link Relay} leads to: a host session. */
export interface RelayedHost {
  readonly agent: Requester<Request>;
  readonly guests: Pick<GuestPool, 'acquire' | 'discard'>;
  onEvent(listener: (event: AgentEvent) => void): () => void;
}

/** The result of `acquireGuest`. */
export const guestIdentitySchema = z.object({
  name: z.string(),
  domid: z.number(),
  environment: environmentSchema,
  vcpus: z.number(),
});

/**
 * Gives the worker that runs the scenarios a way to the host session, which belongs to the orchestrator: so the host is
 * being reached while the worker still loads. A socket in a directory of our own, with the agent's frames on it.
 */
export class Relay implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;
  readonly #server: Server;
  readonly #host: Promise<RelayedHost>;
  readonly #sockets = new Set<Socket>();
  /** For an end without time for an orderly one. */
  readonly #onExit = (): void => rmSync(this.#directory, { recursive: true, force: true });
  #stopEvents: (() => void) | undefined;

  private constructor(directory: string, path: string, server: Server, host: Promise<RelayedHost>) {
    this.#directory = directory;
    this.path = path;
    this.#server = server;
    this.#host = host;
    server.on('connection', (socket) => this.#serve(socket));
    process.once('exit', this.#onExit);
    host.then(
      (session) => {
        this.#stopEvents = session.onEvent((event) => {
          for (const socket of this.#sockets) socket.write(encodeFrame({ header: event, blobs: [] }));
        });
      },
      () => undefined, // told to each request
    );
  }

  static async open(host: Promise<RelayedHost>): Promise<Relay> {
    await sweep();
    const directory = await mkdtemp(join(tmpdir(), prefix));
    const path = join(directory, socketName);
    const server = createServer();
    try {
      if (Buffer.byteLength(path) > longestPath) throw new Error(`${path} is too long`);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      });
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw new LabError(`no socket can be made in ${directory}: ${messageOf(error)}`, {
        blame: 'usage',
        code: 'NO_SOCKET',
        next: 'let TMPDIR name a short, writable directory',
        cause: error,
      });
    }
    return new Relay(directory, path, server, host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopEvents?.();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#directory, { recursive: true, force: true });
    process.off('exit', this.#onExit);
  }

  #serve(socket: Socket): void {
    const reader = new FrameReader();
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) void this.#answer(socket, frame);
      } catch {
        socket.destroy();
      }
    });
  }

  async #answer(socket: Socket, frame: Frame): Promise<void> {
    const reply = await this.#reply(frame).catch(() => undefined);
    if (reply === undefined) socket.destroy();
    else if (!socket.destroyed) socket.write(reply);
  }

  /** Rejects when the request has no number to answer to. */
  async #reply({ header, blobs }: Frame): Promise<Buffer> {
    const { id, request } = numberedRequestSchema.parse(header);
    try {
      const reply = await this.#handle(parseRequest(relayRequestSchema, request), blobs);
      return encodeFrame({ header: { id, ok: true, result: reply.result }, blobs: reply.blobs });
    } catch (error) {
      return encodeFrame({ header: { id, ok: false, error: toWire(error) }, blobs: [] });
    }
  }

  async #handle(request: RelayRequest, blobs: readonly Uint8Array[]): Promise<AgentReply> {
    const host = await this.#host;
    switch (request.do) {
      case 'acquireGuest':
        return { result: await host.guests.acquire(request.environment, request.vcpus, request.alone), blobs: [] };
      case 'discardGuest':
        await host.guests.discard(request.guest);
        return { result: {}, blobs: [] };
      default:
        return await host.agent.request(request, blobs);
    }
  }
}

/** Removes what processes that were killed have left: sockets that nobody listens on. */
async function sweep(): Promise<void> {
  const names = (await readdir(tmpdir()).catch(() => [])).filter((name) => name.startsWith(prefix));
  await Promise.all(
    names.map(async (name) => {
      const directory = join(tmpdir(), name);
      if (await isDead(join(directory, socketName))) await rm(directory, { recursive: true }).catch(() => undefined);
    }),
  );
}

async function isDead(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
