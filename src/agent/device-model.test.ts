import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { fakeGuest, FakeXen } from '../native/fake/fake-xen.ts';
import { TestBundle } from '../server/testing/worker-bundle.ts';
import { readTrace } from '../trace/record.ts';
import type { FromDeviceModel } from './device-model.ts';
import type { GuestRequest } from './protocol.ts';
import type { LastWords } from './testing/fake-guest.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const bundle = await TestBundle.make("import { start } from './agent/testing/fake-guest.ts';");
afterAll(() => bundle[Symbol.dispose]());

/** All that the process held of Xen is given back but the handles of the process itself. */
const nothing = [2, 0, 0, 0, 0];

type Reply = Exclude<FromDeviceModel, { readonly event: unknown }>;

/** A device-model process with its guest, both on the fake Xen. */
class Process {
  readonly events: object[] = [];
  readonly child: ChildProcess;
  readonly #replies = new Map<number, (reply: Reply) => void>();
  readonly #ended: Promise<[string, unknown[]]>;
  #next = 0;

  constructor(env: Record<string, string> = {}) {
    this.child = fork(bundle.file, [], {
      ...({ serialization: 'advanced', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] } as const),
      env: { ...process.env, FAKE_XEN: xen.file, ...env },
    });
    this.child.on('message', (message: FromDeviceModel) => {
      if ('event' in message) this.events.push(message.event);
      else this.#replies.get(message.id)?.(message);
    });
    const { stdout } = this.child;
    if (stdout === null) throw new Error('no stdout');
    this.#ended = Promise.all([text(stdout), once(this.child, 'exit')]);
  }

  static async started(env: Record<string, string> = {}): Promise<Process> {
    const made = new Process(env);
    expect(await made.setUp()).toMatchObject({ ok: true });
    return made;
  }

  async setUp(): Promise<Reply> {
    const guest = { guest: 'hvm-1', environment: 'hvm', domid: fakeGuest.domid, vcpus: 2 } as const;
    const setup = { ...guest, controlPort: 0xe0, foreign: [] };
    return await this.#send(-1, { setup: { ...setup, addonFile: xen.addonFile, workerFile: bundle.file } });
  }

  async request(request: GuestRequest, ...blobs: Uint8Array[]): Promise<Reply> {
    const id = this.#next++;
    return await this.#send(id, { id, request, blobs, isRepeated: false });
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<{ code: unknown; words: LastWords }> {
    const [words, [code]] = await this.#ended;
    return { code, words: JSON.parse(words) as LastWords };
  }

  async #send(id: number, message: object): Promise<Reply> {
    return await new Promise((resolve) => {
      this.#replies.set(id, resolve);
      this.child.send(message);
    });
  }
}

const guest = 'hvm-1';
const createServer = (server: string): GuestRequest => ({ do: 'createServer', guest, server });
const attach = (server: string, device: string, at: Record<string, number>, options: unknown = {}): GuestRequest => ({
  ...{ do: 'attach', guest, server, device, at, options },
});
/** Lets each of these vCPUs read one port: see runVcpu of testing/fake-guest.ts. */
const execute = (...vcpus: number[]): GuestRequest => ({
  ...{ do: 'execute', guest, start: vcpus, writes: vcpus.map((vcpu) => vcpu * 4096) },
  reads: vcpus.map((vcpu) => ({ address: vcpu * 4096 + 4, length: 4 })),
});
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

describe('a device-model process', () => {
  it('serves, runs programs, and gives everything back when it is told to end', async () => {
    const model = await Process.started();
    await model.request(createServer('main'));
    expect(await model.request(attach('main', 'register', { value: 0x500 }, { initial: 0x55 }))).toMatchObject({
      ok: true,
    });
    expect(
      await model.request({ do: 'setWaiting', guest, server: 'main', waiting: { mode: 'adaptive', cycles: 1000 } }),
    ).toMatchObject({ ok: true });
    const ran = await model.request(execute(0, 1), u32(0x500), u32(0x501));
    expect(ran).toMatchObject({ ok: true, blobs: [u32(0x55), u32(0xffff_ffff)] });
    await model.request({ do: 'writeMemory', guest, address: 0x8ffe }, Uint8Array.of(1, 2, 3));
    expect(await model.request({ do: 'readMemory', guest, address: 0x8fff, length: 2 })).toMatchObject({
      blobs: [Uint8Array.of(2, 3)],
    });
    const soFar = await model.request({ do: 'trace', guest, server: 'main' });
    expect(readTrace((soFar.ok ? soFar.blobs[0] : undefined) ?? new Uint8Array())).toHaveLength(2);
    const closed = await model.request({ do: 'closeServers', guest });
    expect(closed).toMatchObject({ ok: true, result: { servers: [{ server: 'main', xenId: 1 }] } });
    const [trace = new Uint8Array()] = closed.ok ? closed.blobs : [];
    expect(
      readTrace(trace)
        .map(({ address }) => Number(address))
        .sort(),
    ).toEqual([0x500, 0x501]);
    await model.request(createServer('again'));
    model.child.kill('SIGTERM');
    expect(await model.ended()).toEqual({ code: 0, words: { held: nothing, shutdowns: 0 } });
    expect(model.events).toEqual([]);
  });

  it('shuts the guest down when the agent is gone', async () => {
    const model = await Process.started();
    await model.request(createServer('main'));
    await model.request(attach('main', 'register', { value: 0x500 }));
    model.child.disconnect();
    expect(await model.ended()).toEqual({ code: 0, words: { held: nothing, shutdowns: 1 } });
  });

  it('goes all the way although Xen refuses parts of the end, and says so', async () => {
    const model = await Process.started({
      FAKE_FAILS_LATE: 'xendevicemodel_set_ioreq_server_state,xenforeignmemory_unmap',
    });
    for (const server of ['a', 'b', 'c']) {
      await model.request(createServer(server));
      await model.request(attach(server, 'register', { value: 0x500 }));
    }
    await model.request({ do: 'readMemory', guest, address: 0, length: 1 });
    model.child.kill('SIGTERM');
    // The frame whose unmapping was refused.
    expect(await model.ended()).toEqual({ code: 0, words: { held: [2, 0, 0, 1, 0], shutdowns: 0 } });
    expect(model.events).toMatchObject([{ event: 'log', level: 'warn', message: expect.stringContaining('ESRCH') }]);
  });

  it('tells of a handler that throws and of one that is stuck, and does not wait for it', async () => {
    const model = await Process.started();
    await model.request(createServer('main'));
    await model.request(attach('main', 'broken', { trigger: 0x600 }));
    await model.request(attach('main', 'broken', { trigger: 0x700 }, { isStuck: true }));
    const ran = await model.request(execute(0), u32(0x600));
    expect(ran).toMatchObject({ ok: true, blobs: [u32(0xffff_ffff)] });
    expect(await model.request(execute(1), u32(0x700))).toMatchObject({ ok: true, blobs: [u32(0xffff_ffff)] });
    expect(model.events).toMatchObject([
      { event: 'handlerThrew', server: 'main', region: 'broken.trigger' },
      { event: 'handlerStuck', server: 'main', region: 'broken.trigger' },
    ]);
    model.child.kill('SIGTERM');
    expect(await model.ended()).toEqual({ code: 0, words: { held: nothing, shutdowns: 0 } });
  });

  it('ends in order after a bug of its own', async () => {
    const model = await Process.started();
    await model.request(createServer('main'));
    model.child.kill('SIGUSR2');
    expect(await model.ended()).toEqual({ code: 1, words: { held: nothing, shutdowns: 0 } });
    expect(model.events).toMatchObject([{ event: 'log', level: 'error', message: expect.stringContaining('a bug') }]);
  });

  it('refuses what names nothing, and goes on', async () => {
    const model = await Process.started();
    await model.request(createServer('main'));
    const refused = async (request: GuestRequest): Promise<unknown> => {
      const reply = await model.request(request);
      return reply.ok ? 'accepted' : reply.error.code;
    };
    expect(await refused(createServer('main'))).toBe('SERVER_EXISTS');
    expect(await refused({ do: 'setWaiting', guest, server: 'other', waiting: { mode: 'block' } })).toBe(
      'SERVER_UNKNOWN',
    );
    expect(await refused(attach('other', 'register', {}))).toBe('SERVER_UNKNOWN');
    expect(await refused(attach('main', 'other', {}))).toBe('DEVICE_UNKNOWN');
    expect(await refused({ do: 'readMemory', guest, address: 0x100_0000, length: 1 })).toBe('NO_GUEST_MEMORY');
    expect(await refused(attach('main', 'register', { value: 0x500 }))).toBe('accepted');
    model.child.kill('SIGTERM');
    expect((await model.ended()).words.held).toEqual(nothing);
  });

  for (const [call, held] of [
    ['xendevicemodel_open', 0],
    ['xendevicemodel_create_ioreq_server', 2],
    ['xendevicemodel_map_io_range_to_ioreq_server', 2],
    ['xenevtchn_fd', 2],
  ] as const) {
    it(`says that ${call} failed when it is set up, and leaves no server`, async () => {
      const model = new Process({ FAKE_FAILS: call });
      expect(await model.setUp()).toMatchObject({
        ok: false,
        error: {
          blame: 'host',
          message: expect.stringMatching(call === 'xenevtchn_fd' ? /^uv_poll/ : new RegExp(`^${call}`)),
        },
      });
      model.child.kill('SIGTERM');
      expect(await model.ended()).toEqual({ code: 0, words: { held: [held, 0, 0, 0, 0], shutdowns: 0 } });
    });
  }
});
