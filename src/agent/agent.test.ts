import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeXen, until } from '../native/fake/fake-xen.ts';
import { TestBundle } from '../server/testing/worker-bundle.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import type { AgentEvent, Request } from './protocol.ts';
import { FakeXl } from './testing/fake-xl.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const [bundle, deviceModel] = await Promise.all([
  TestBundle.make("import { start } from './agent/testing/agent-entry.ts';"),
  TestBundle.make("import { start } from './agent/testing/fake-guest.ts';"),
]);
let xl: FakeXl;
let place: string;
beforeEach(() => {
  xl = new FakeXl();
  place = join(mkdtempSync(join(tmpdir(), 'ioreqlab-agent-')), 'run');
});
afterEach(() => {
  xl[Symbol.dispose]();
  rmSync(join(place, '..'), { recursive: true });
});
afterAll(() => {
  for (const one of [bundle, deviceModel]) one[Symbol.dispose]();
});

type Reply = { readonly ok: boolean; readonly result?: unknown; readonly error?: unknown };

/** An agent as the orchestrator starts it over SSH. */
class TestAgent {
  readonly events: AgentEvent[] = [];
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly stderr: Promise<string>;
  readonly #replies = new Map<number, (reply: Reply) => void>();
  readonly #exited: Promise<unknown[]>;
  #next = 0;

  constructor() {
    const env = {
      ...process.env,
      DEVICE_MODEL: deviceModel.file,
      ADDON: xen.addonFile,
      PLACE: place,
      FAKE_XEN: xen.file,
    };
    this.child = spawn(process.execPath, [bundle.file], { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.stderr = text(this.child.stderr);
    this.#exited = once(this.child, 'exit');
    const reader = new FrameReader();
    this.child.stdout.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.#hear(frame);
    });
  }

  static async greeted(): Promise<TestAgent> {
    const agent = new TestAgent();
    expect(await agent.hello()).toEqual({ ok: true, result: { swept: [] } });
    return agent;
  }

  async hello(): Promise<Reply> {
    return await this.ask({ do: 'hello', version: 1, run: 'run-1' });
  }

  async ask(request: Request | object): Promise<Reply> {
    const id = this.#next++;
    return await new Promise((resolve) => {
      this.#replies.set(id, resolve);
      this.child.stdin.write(encodeFrame({ header: { id, request }, blobs: [] }));
    });
  }

  /** Ends its stdin, as a connection that is cut does. */
  async end(): Promise<unknown> {
    this.child.stdin.end();
    return await this.ended();
  }

  async ended(): Promise<unknown> {
    return (await this.#exited)[0];
  }

  #hear({ header }: Frame): void {
    const { id, ...reply } = header as Reply & { id?: number };
    if (id === undefined) this.events.push(header as AgentEvent);
    else this.#replies.get(id)?.(reply);
  }
}

const createGuest = (guest: string): Request => ({
  ...{
    do: 'createGuest',
    guest,
    environment: 'hvm',
    vcpus: 2,
    memoryMiB: 64,
    cpus: 'all',
    kernel: '/k',
    controlPort: 0xe0,
  },
});
const createServer: Request = { do: 'createServer', guest: 'hvm-1', server: 'main' };

describe('the agent', () => {
  it('makes a guest and its device model, and destroys both', async () => {
    const agent = await TestAgent.greeted();
    expect(await agent.ask(createGuest('hvm-1'))).toEqual({ ok: true, result: { domid: 7 } });
    expect(await agent.ask(createServer)).toEqual({ ok: true, result: { xenId: 1 } });
    expect(await agent.ask(createGuest('hvm-1'))).toMatchObject({ ok: false, error: { code: 'GUEST_EXISTS' } });
    expect(await agent.ask({ do: 'destroyGuest', guest: 'hvm-1' })).toEqual({ ok: true, result: {} });
    expect(xl.isRunning).toBe(false);
    expect(await agent.ask(createServer)).toMatchObject({ error: { code: 'GUEST_UNKNOWN', blame: 'scenario' } });
    expect(await agent.end()).toBe(0);
    expect(xl.calls.map((call) => call.split(' ')[0])).toEqual(['create', 'unpause', 'destroy']);
    expect([...readdirSync(place), ...agent.events]).toEqual([]);
  });

  it('says what its host is', async () => {
    const agent = await TestAgent.greeted();
    const { result } = await agent.ask({ do: 'environment' });
    expect(result).toMatchObject({
      ...{ node: process.version, xen: { xen_version: '4.20.4', xen_commandline: 'a=b:c', cc_compiler: '' } },
    });
    expect(await agent.ask({ do: 'xenLog' })).toEqual({ ok: true, result: {} });
    await agent.end();
  });

  it('takes all with it when the connection is cut, also a guest that is being made', async () => {
    const agent = await TestAgent.greeted();
    xl.set('hangs');
    void agent.ask(createGuest('hvm-1'));
    await until(() => xl.calls.length > 0);
    agent.child.stdin.end();
    xl.unset('hangs');
    expect(await agent.ended()).toBe(0);
    expect(xl.isRunning).toBe(false);
    expect(xl.calls.at(-1)).toBe('destroy 7');
  });

  it('ends in order when it is told to by a signal', async () => {
    const agent = await TestAgent.greeted();
    await agent.ask(createGuest('hvm-1'));
    agent.child.kill('SIGTERM');
    expect(await agent.ended()).toBe(0);
    expect(xl.isRunning).toBe(false);
  });

  it('has its host for itself, and leaves the one that has it alone', async () => {
    const first = await TestAgent.greeted();
    const second = new TestAgent();
    expect(await second.hello()).toMatchObject({ ok: false, error: { blame: 'host', code: 'HOST_BUSY' } });
    expect(await second.ask(createGuest('hvm-1'))).toMatchObject({ ok: false, error: { code: 'AGENT_NOT_GREETED' } });
    expect(await second.end()).toBe(0);
    expect(readdirSync(place)).toEqual(['run-1']);
    expect(await first.ask(createGuest('hvm-1'))).toMatchObject({ ok: true });
    await first.end();
    const third = await TestAgent.greeted();
    await third.end();
  });

  it('destroys what an earlier one has left', async () => {
    mkdirSync(join(place, 'run-0'), { recursive: true });
    xl.set('listed', 'ioreqlab-hvm-9 3 64 4 -b---- 0.5\n');
    const agent = new TestAgent();
    expect(await agent.hello()).toEqual({ ok: true, result: { swept: ['ioreqlab-hvm-9'] } });
    expect(readdirSync(place)).toEqual(['run-1']);
    await agent.end();
  });

  it('tells that a guest died, and of what', async () => {
    const agent = await TestAgent.greeted();
    await agent.ask(createGuest('hvm-1'));
    xl.set('ended', '3');
    await until(() => agent.events.length > 0);
    expect(agent.events).toEqual([{ event: 'guestGone', guest: 'hvm-1', reason: 'crash' }]);
    expect(await agent.ask(createServer)).toMatchObject({
      ...{ ok: false, error: { blame: 'guest', code: 'GUEST_GONE', message: 'the guest is gone: crash' } },
    });
    expect(await agent.ask(createGuest('hvm-2'))).toMatchObject({ ok: true });
    await agent.end();
  });

  it('tells that a device-model process died, and destroys its guest', async () => {
    const agent = await TestAgent.greeted();
    await agent.ask(createGuest('hvm-1'));
    await agent.ask(createServer);
    const execute = { do: 'execute', guest: 'hvm-1', start: [5], writes: [], reads: [] } as const;
    const waiting = agent.ask(execute);
    await agent.ask({ ...createServer, server: 'other' });
    process.kill(childOf(agent.child.pid), 'SIGKILL');
    expect(await waiting).toMatchObject({ ok: false, error: { blame: 'deviceModel', code: 'DEVICE_MODEL_GONE' } });
    expect(agent.events).toEqual([{ event: 'deviceModelGone', guest: 'hvm-1', how: 'SIGKILL' }]);
    expect(await agent.ask(createServer)).toMatchObject({ error: { code: 'DEVICE_MODEL_GONE' } });
    await until(() => !xl.isRunning);
    await agent.end();
  });

  it('makes no guest when xl or the device model refuses', async () => {
    const agent = await TestAgent.greeted();
    xl.set('refuses', 'libxl: error: no memory\n');
    expect(await agent.ask(createGuest('hvm-1'))).toMatchObject({
      ...{ ok: false, error: { blame: 'host', code: 'DOMAIN_NOT_CREATED', next: expect.stringContaining('xl dmesg') } },
    });
    xl.unset('refuses');
    // The fake Xen has no ninth vCPU, so binding its channel fails.
    expect(await agent.ask({ ...createGuest('hvm-1'), vcpus: 9 })).toMatchObject({
      ...{ ok: false, error: { blame: 'host', code: 'EINVAL', message: expect.stringContaining('bind_interdomain') } },
    });
    expect(xl.isRunning).toBe(false);
    expect(await agent.ask(createGuest('hvm-1'))).toMatchObject({ ok: true });
    await agent.end();
  });

  it('answers a request that makes no sense, and ends at what is no request at all', async () => {
    const agent = await TestAgent.greeted();
    for (const [request, message] of [
      [{ do: 'dance' }, /^dance is not possible like this: do: Invalid/],
      [{ do: 'destroyGuest', guest: 'Bad Name' }, /^destroyGuest is not possible like this: guest: /],
      [{ ...createGuest('hvm-1'), vcpus: 0 }, /vcpus: Too small/],
      ['nothing', /^a request is not possible/],
    ] as const) {
      expect(await agent.ask(request as object)).toMatchObject({
        ...{
          ok: false,
          error: { blame: 'scenario', code: 'REQUEST_INVALID', message: expect.stringMatching(message) },
        },
      });
    }
    agent.child.stdin.write(Buffer.alloc(64, 0xff));
    expect(await agent.ended()).toBe(1);
    expect(await agent.stderr).toMatch(/^agent: 4294967295 bytes cannot be a message/);
  });
});

/** The device-model process of an agent. */
function childOf(agent: number | undefined): number {
  const children = readFileSync(`/proc/${agent}/task/${agent}/children`, 'utf8').trim().split(' ');
  return Number(children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(deviceModel.file)));
}
