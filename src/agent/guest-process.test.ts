import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Domain } from './domain.ts';
import { GuestProcess } from './guest-process.ts';
import type { AgentEvent, GuestRequest } from './protocol.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

const guest = 'pvh-1';
const create: GuestRequest = { do: 'createServer', guest, server: 'main' };
/** The process does with it what the name says: see scripted-device-model.mjs. */
const attach = (device: string): GuestRequest => ({ do: 'attach', guest, server: 'main', device, options: {}, at: {} });

let events: AgentEvent[];
let calls: string[];
let domain: Domain;
beforeEach(() => {
  events = [];
  calls = [];
  let goes: (reason: string) => void = () => undefined;
  domain = {
    domid: 7,
    gone: new Promise((resolve) => (goes = resolve)),
    unpause: async () => void calls.push('unpause'),
    destroy: async () => {
      calls.push('destroy');
      goes('destroyed');
    },
  };
});

let process: GuestProcess;
afterEach(async () => await process.close());

async function start(survives: boolean): Promise<void> {
  const workerFile = fileURLToPath(new URL('testing/scripted-device-model.mjs', import.meta.url));
  const setup = {
    guest,
    environment: 'pvh' as const,
    domid: 7,
    vcpus: 2,
    controlPort: 0xe0,
    addonFile: '',
    workerFile,
    foreign: [0],
  };
  process = await GuestProcess.start(domain, setup, survives, (event) => events.push(event));
}

const named = (name: string): AgentEvent[] => events.filter(({ event }) => event === name);
/** What each process was told that it inherits. */
const inherited = (): unknown[] => named('log').map((event) => JSON.parse('message' in event ? event.message : ''));

describe('a device-model process that dies', () => {
  it('takes its guest along when nobody has said otherwise', async () => {
    await start(false);
    await expect(process.request(1, attach('die'), [])).rejects.toMatchObject({ code: 'DEVICE_MODEL_GONE' });
    expect(named('deviceModelGone')).toEqual([{ event: 'deviceModelGone', guest, how: 'SIGKILL' }]);
    expect(calls).toEqual(['unpause', 'destroy']);
    await expect(process.request(2, create, [])).rejects.toMatchObject({ code: 'DEVICE_MODEL_GONE' });
  });

  it('has a successor, which knows what was done and gets what was not', async () => {
    await start(true);
    await process.request(1, create, []);
    await process.request(2, attach('one'), []);
    const [result] = await process.request(3, attach('die-once'), []);
    // A new process, told that another one has been asked before.
    expect(result).toMatchObject({ isRepeated: true, setups: 1 });
    expect(named('deviceModelReplaced')).toMatchObject([{ guest, how: 'SIGKILL' }]);
    const servers = [{ xenId: 2, requests: [create, attach('one')] }];
    expect(inherited()).toEqual([null, { control: 1, servers, isTrusted: true }]);
    expect(calls).toEqual(['unpause']);
    expect((await process.request(4, attach('two'), []))[0]).toMatchObject({ isRepeated: false });
  });

  it('is given up when its successors die of the same', async () => {
    await start(true);
    await expect(process.request(1, attach('die'), [])).rejects.toMatchObject({ code: 'DEVICE_MODEL_GONE' });
    expect(named('deviceModelReplaced')).toHaveLength(5);
    expect(named('deviceModelGone')).toHaveLength(1);
    expect(inherited().map((one) => (one as { isTrusted: boolean } | null)?.isTrusted)).toEqual([
      ...[undefined, true, true, true, false, false],
    ]);
    expect(calls).toEqual(['unpause', 'destroy']);
  });

  it('takes its guest along when its successor cannot take over', async () => {
    await start(true);
    await process.request(1, create, []);
    await process.request(2, attach('refused'), []);
    await expect(process.request(3, attach('die-once'), [])).rejects.toMatchObject({ code: 'DEVICE_MODEL_GONE' });
    expect(named('deviceModelGone')).toMatchObject([
      { how: expect.stringMatching(/^SIGKILL, and has no successor: no/) },
    ]);
    expect(calls).toContain('destroy');
  });
});

it('a guest that is closed has no successor for its process', async () => {
  await start(true);
  await process.close();
  expect(calls).toEqual(['unpause', 'destroy']);
  expect(named('deviceModelReplaced')).toEqual([]);
});
