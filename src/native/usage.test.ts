import { describe, expect, it } from 'vitest';
import { fakeGuest, FakeXen } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
const ESRCH = 3;
const usage = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };

/** Calls a function of the addon with what its type forbids. */
function call(name: keyof typeof addon, ...values: unknown[]): () => unknown {
  return () => (addon[name] as (...values: unknown[]) => unknown)(...values);
}

describe('before a guest is opened', () => {
  for (const name of ['nrVcpus', 'shutdown', 'createServer', 'serverId', 'closeServer', 'readTrace'] as const) {
    it(`${name} says that open() comes first`, () => {
      expect(call(name, 0)).toThrow(expect.objectContaining({ ...usage, message: 'open() was not called' }) as Error);
    });
  }

  for (const values of [[], [1], [0, 1], [0x7ff0, 1], [1, 0], [1, 129], ['1', 1], [1.5, 1], [-1, 1], [NaN, 1]]) {
    it(`open(${values.join(', ')}) is refused`, () => {
      expect(call('open', ...values)).toThrow(expect.objectContaining(usage) as Error);
    });
  }

  for (const step of ['xendevicemodel_open', 'xenforeignmemory_open']) {
    it(`can be tried again when ${step} fails`, () => {
      xen.failNext(step, ESRCH);
      expect(call('open', fakeGuest.domid, 1)).toThrow(expect.objectContaining({ call: step, code: 'ESRCH' }) as Error);
      expect(xen.held().handles).toBe(0);
    });
  }
});

describe('with a guest', () => {
  it('is opened once', () => {
    addon.open(fakeGuest.domid, fakeGuest.vcpus);
    expect(call('open', fakeGuest.domid, 1)).toThrow(expect.objectContaining(usage) as Error);
  });

  it('knows its vCPUs and shuts it down', () => {
    expect(addon.nrVcpus()).toBe(fakeGuest.vcpus);
    addon.shutdown(3);
    xen.failNext('xendevicemodel_shutdown', ESRCH);
    expect(call('shutdown', 3)).toThrow(
      expect.objectContaining({ call: 'xendevicemodel_shutdown', errno: ESRCH, code: 'ESRCH' }) as Error,
    );
    expect(call('shutdown', 2 ** 32)).toThrow(expect.objectContaining(usage) as Error);
  });

  it('names what is no server', () => {
    for (const server of [0, 7, 8, 2 ** 40, -1, 0.5, undefined, '0', {}, null]) {
      for (const name of ['serverId', 'closeServer', 'interruptServer', 'requestWords', 'bindServe', 'watchdogFired']) {
        expect(call(name as keyof typeof addon, server)).toThrow(expect.objectContaining(usage) as Error);
      }
    }
  });

  it('refuses arguments of the wrong kind, and none at all', () => {
    const server = addon.createServer();
    const wrong: [keyof typeof addon, ...unknown[]][] = [
      ['mapRange', server],
      ['mapRange', server, 0, 1, 2],
      ['mapRange', server, false, -1, 2],
      ['mapRange', server, false, 1, 2 ** 53],
      ['mapRange', server, false, 1n, 2n],
      ['unmapRange', server, false, 1],
      ['enableServer', server],
      ['enableServer', server, 'yes'],
      ['setWaiting', server, 1, -1],
      ['setWaiting', server, 1, Infinity],
      ['setWaiting', server, 3, 1],
      ['setWaiting', server, 0, 1],
      ['setWaiting', server, 1],
      ['createServer', 3],
      ['createServer', -1],
      ['createServer', 0, 1],
      ['createServer', 1, true],
      ['createServer', 2, true],
      ['requestWords', server, 1],
      ['requestWords', server, -1],
      ['bindServe', server, 1],
      ['mapPciFunction', server],
      ['mapPciFunction', server, 2 ** 32],
      ['startConstant', server],
      ['startConstant', server, -1],
      ['startReference', server, undefined],
      ['answerControl', server, 0],
      ['answerControl', server, 0, 2 ** 32],
      ['startWatchdog'],
      ['startWatchdog', 'soon'],
      ['mapMemory', 1],
      ['mapMemory', 0, 0],
      ['mapMemory', 0, 65_537],
      ['showClock', new ArrayBuffer(71), 1],
      ['showClock', new ArrayBuffer(72)],
      ['showClock', {}, 1],
      ['unmapMemory', {}],
      ['unmapMemory', new ArrayBuffer(100)],
      ['unmapMemory', new ArrayBuffer(4096)],
      ['unmapMemory', new Uint8Array(4096)],
    ];
    for (const [name, ...values] of wrong) {
      expect(call(name, ...values), `${name}(${values.map(String).join(', ')})`).toThrow(
        expect.objectContaining(usage) as Error,
      );
    }
    addon.closeServer(server);
  });
});

describe('guest memory', () => {
  it('is shared, and given back', () => {
    const memory = xen.memory();
    const buffer = addon.mapMemory(2, 2);
    expect(buffer.byteLength).toBe(8192);
    memory[2 * 4096 + 5] = 0x5a;
    const bytes = new Uint8Array(buffer);
    expect(bytes[5]).toBe(0x5a);
    bytes[8191] = 0xa5;
    expect(memory[4 * 4096 - 1]).toBe(0xa5);
    expect(xen.held().frames).toBe(2);
    addon.unmapMemory(buffer);
    expect([buffer.byteLength, xen.held().frames]).toEqual([0, 0]);
    addon.unmapMemory(buffer);
    expect(xen.held().frames).toBe(0);
  });

  it('shows the clock to the guest, and how far it is from what the guest shows', () => {
    const memory = xen.memory();
    const page = addon.mapMemory(3, 1);
    expect(addon.showClock(page, 3)).toBe(Infinity);
    const words = new BigUint64Array(page);
    const shown = words[8] ?? 0n;
    expect(shown).toBeGreaterThan(0n);
    expect(memory[3 * 4096 + 64]).toBe(Number(shown & 0xffn));
    words[0] = shown;
    const least = addon.showClock(page, 3);
    expect(least).toBeGreaterThan(0);
    expect(BigInt(least)).toBeLessThanOrEqual((words[8] ?? 0n) - shown);
    words[0] = (words[8] ?? 0n) + 10n ** 15n;
    expect(addon.showClock(page, 1)).toBeLessThan(0);
    addon.unmapMemory(page);
  });

  it('that is not there is an error, and nothing stays mapped', () => {
    expect(() => addon.mapMemory(fakeGuest.frames - 1, 2)).toThrow(
      expect.objectContaining({ call: 'xenforeignmemory_map', code: 'EINVAL' }) as Error,
    );
    xen.failNext('xenforeignmemory_map', ESRCH);
    expect(() => addon.mapMemory(0, 1)).toThrow(expect.objectContaining({ code: 'ESRCH' }) as Error);
    expect(xen.held().frames).toBe(0);
  });

  it('can be mapped and unmapped many times', () => {
    for (let i = 0; i < 2_000; i++) addon.unmapMemory(addon.mapMemory(i % fakeGuest.frames, 1));
    expect(xen.held().frames).toBe(0);
  });
});
