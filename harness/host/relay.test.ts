import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeFrame } from '../../src/agent/frames.ts';
import type { AgentEvent, Request } from '../../src/agent/protocol.ts';
import { LabError } from '../../src/errors.ts';
import { AgentConnection, type AgentReply } from './agent-connection.ts';
import { Relay, type RelayedHost, type RelayRequest } from './relay.ts';

/** A host session that keeps what it was asked for. */
class FakeHost implements RelayedHost {
  readonly asked: { request: Request; blobs: readonly Uint8Array[] }[] = [];
  readonly discarded: string[] = [];
  readonly listeners = new Set<(event: AgentEvent) => void>();
  reply: AgentReply | Error = { result: {}, blobs: [] };
  readonly agent: RelayedHost['agent'] = {
    request: async (request, blobs = []) => {
      this.asked.push({ request, blobs });
      if (this.reply instanceof Error) throw this.reply;
      return this.reply;
    },
  };
  readonly alone: boolean[] = [];
  readonly guests: RelayedHost['guests'] = {
    acquire: async (environment, vcpus = 4, alone = false) => {
      this.alone.push(alone);
      return { name: `${environment}-1`, domid: 3, environment, vcpus };
    },
    discard: async (name) => void this.discarded.push(name),
  };
  onEvent(listener: (event: AgentEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

let host: FakeHost;
let opened: (host: RelayedHost) => void;
let failed: (error: Error) => void;
let relay: Relay;
let connections: AgentConnection<RelayRequest>[];
beforeEach(async () => {
  host = new FakeHost();
  connections = [];
  relay = await Relay.open(
    new Promise((resolve, reject) => {
      [opened, failed] = [resolve, reject];
    }),
  );
});
afterEach(async () => {
  await relay[Symbol.asyncDispose]();
  expect(existsSync(dirname(relay.path))).toBe(false);
  for (const connection of connections) await connection[Symbol.asyncDispose]();
});

async function connectSocket(): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = createConnection(relay.path, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The way a worker takes. */
async function connect(): Promise<AgentConnection<RelayRequest>> {
  const connection = new AgentConnection<RelayRequest>(await connectSocket(), 'lab-1');
  connections.push(connection);
  return connection;
}

describe('the relay', () => {
  it('takes requests to the host, also those that came before the host was reached', async () => {
    const worker = await connect();
    const request: RelayRequest = { do: 'writeMemory', guest: 'hvm-1', address: 0x1000 };
    host.reply = { result: { any: 1 }, blobs: [Uint8Array.of(7)] };
    const early = worker.request(request, [Uint8Array.of(1, 2, 3)]);
    opened(host);
    expect(await early).toEqual(host.reply);
    expect(host.asked).toEqual([{ request, blobs: [Uint8Array.of(1, 2, 3)] }]);
  });

  it('has guests made and discarded', async () => {
    opened(host);
    const worker = await connect();
    const { result } = await worker.request({ do: 'acquireGuest', environment: 'pvh', vcpus: 4, alone: true });
    expect(result).toEqual({ name: 'pvh-1', domid: 3, environment: 'pvh', vcpus: 4 });
    expect(host.alone).toEqual([true]);
    await worker.request({ do: 'discardGuest', guest: 'pvh-1' });
    expect(host.discarded).toEqual(['pvh-1']);
  });

  it('brings errors back with who is to blame', async () => {
    opened(host);
    const worker = await connect();
    host.reply = new LabError('crashed', { blame: 'guest', code: 'GUEST_GONE' });
    const closing = worker.request({ do: 'closeServers', guest: 'hvm-1' });
    await expect(closing).rejects.toMatchObject({ blame: 'guest', code: 'GUEST_GONE', message: 'crashed' });
  });

  it('tells why the host cannot be reached to every request', async () => {
    const worker = await connect();
    const early = worker.request({ do: 'acquireGuest', environment: 'hvm', vcpus: 4, alone: false });
    failed(new LabError('no answer', { blame: 'host', code: 'HOST_UNREACHABLE', next: 'wake it' }));
    await expect(early).rejects.toMatchObject({ blame: 'host', code: 'HOST_UNREACHABLE', next: 'wake it' });
    await expect(worker.request({ do: 'discardGuest', guest: 'x' })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    });
  });

  it('refuses what makes no sense by its name, and goes on', async () => {
    opened(host);
    const worker = await connect();
    const wrong = { do: 'attach', guest: 'hvm-1', server: 'Main', device: 'd', options: {}, at: { r: -1 } } as const;
    await expect(worker.request(wrong)).rejects.toMatchObject({
      ...{ blame: 'scenario', code: 'REQUEST_INVALID' },
      message: expect.stringMatching(/^attach is not possible like this: server: .*; at\.r: /) as string,
    });
    await expect(worker.request({ do: 'hello' } as unknown as RelayRequest)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
    expect(await worker.request({ do: 'closeServers', guest: 'hvm-1' })).toEqual({ result: {}, blobs: [] });
    expect(host.asked).toHaveLength(1);
  });

  it('cuts who sends no requests, and nobody else', async () => {
    opened(host);
    const worker = await connect();
    for (const bytes of [Buffer.alloc(32, 0xff), encodeFrame({ header: { request: {} }, blobs: [] })]) {
      const stranger = await connectSocket();
      stranger.on('error', () => undefined).write(bytes);
      await new Promise((resolve) => stranger.once('close', resolve).resume());
    }
    expect(await worker.request({ do: 'closeServers', guest: 'hvm-1' })).toEqual({ result: {}, blobs: [] });
  });

  it('tells events to every worker, and stops listening when it ends', async () => {
    const [one, two] = [await connect(), await connect()];
    const heard: AgentEvent[] = [];
    for (const worker of [one, two]) worker.onEvent((event) => heard.push(event));
    opened(host);
    await vi.waitUntil(() => host.listeners.size === 1);
    await one.request({ do: 'closeServers', guest: 'a' });
    await two.request({ do: 'closeServers', guest: 'a' });
    const event: AgentEvent = { event: 'log', level: 'warn', message: 'x' };
    for (const tell of host.listeners) tell(event);
    await vi.waitUntil(() => heard.length === 2);
    expect(heard).toEqual([event, event]);
    await relay[Symbol.asyncDispose]();
    expect(host.listeners.size).toBe(0);
    await expect(one.request({ do: 'closeServers', guest: 'a' })).rejects.toMatchObject({ code: 'AGENT_LOST' });
  });

  it('needs a directory whose name is not too long, and leaves nothing in it', async () => {
    const before = process.env['TMPDIR'];
    const long = join(dirname(relay.path), 'x'.repeat(120));
    mkdirSync(long);
    process.env['TMPDIR'] = long;
    try {
      await expect(Relay.open(Promise.resolve(host))).rejects.toMatchObject({
        ...{ blame: 'usage', code: 'NO_SOCKET', next: expect.stringContaining('TMPDIR') as string },
      });
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    expect(readdirSync(long)).toEqual([]);
  });
});
