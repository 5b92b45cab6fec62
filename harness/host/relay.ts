import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { encodeFrame, FrameReader, type Frame } from '../../src/agent/frames.ts';
import { environmentSchema, guestRequestSchema } from '../../src/agent/protocol.ts';
import { toWire } from '../../src/wire-error.ts';
import type { HostSession } from './host-session.ts';

/** What scenarios ask for: what guests' device models do, and guests themselves. */
export const relayRequestSchema = z.union([
  guestRequestSchema,
  z.object({ do: z.literal('acquireGuest'), environment: environmentSchema }),
  z.object({ do: z.literal('discardGuest'), guest: z.string() }),
  z.object({ do: z.literal('xenLog') }),
]);
export type RelayRequest = z.infer<typeof relayRequestSchema>;

/** The result of `acquireGuest`. */
export const guestIdentitySchema = z.object({
  name: z.string(),
  domid: z.number(),
  environment: environmentSchema,
  vcpus: z.number(),
});

const numberedSchema = z.object({ id: z.number().int().nonnegative(), request: relayRequestSchema });

/**
 * Gives the worker that runs the scenarios a way to the host session, which belongs to the orchestrator: so the host is
 * being reached while the worker still loads. A socket in a directory of our own, with the agent's frames on it.
 */
export class Relay implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;
  readonly #server: Server;
  readonly #host: Promise<HostSession>;
  readonly #sockets = new Set<Socket>();

  private constructor(directory: string, path: string, server: Server, host: Promise<HostSession>) {
    this.#directory = directory;
    this.path = path;
    this.#server = server;
    this.#host = host;
    server.on('connection', (socket) => this.#serve(socket));
    host.then(
      (session) =>
        session.onEvent((event) => {
          for (const socket of this.#sockets) socket.write(encodeFrame({ header: event, blobs: [] }));
        }),
      () => undefined, // told to each request
    );
  }

  static async open(host: Promise<HostSession>): Promise<Relay> {
    const directory = await mkdtemp(join(tmpdir(), 'ioreqlab-'));
    const path = join(directory, 'relay');
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    return new Relay(directory, path, server, host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#directory, { recursive: true, force: true });
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

  async #answer(socket: Socket, { header, blobs }: Frame): Promise<void> {
    const { id, request } = numberedSchema.parse(header);
    let frame: Frame;
    try {
      const host = await this.#host;
      if (request.do === 'acquireGuest') {
        frame = { header: { id, ok: true, result: await host.guests.acquire(request.environment) }, blobs: [] };
      } else if (request.do === 'discardGuest') {
        await host.guests.discard(request.guest);
        frame = { header: { id, ok: true, result: {} }, blobs: [] };
      } else {
        const reply = await host.agent.request(request, blobs);
        frame = { header: { id, ok: true, result: reply.result }, blobs: reply.blobs };
      }
    } catch (error) {
      frame = { header: { id, ok: false, error: toWire(error) }, blobs: [] };
    }
    if (!socket.destroyed) socket.write(encodeFrame(frame));
  }
}
