import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LabError } from '../errors.ts';
import { fromWire, toWire } from '../wire-error.ts';
import { eventSchema, parseRequest, replySchema, requestSchema, type AgentEvent, type Request } from './protocol.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const guest = 'hvm-1';
const server = 'main';

/** One of each. */
const requests: readonly Request[] = [
  { do: 'hello', version: 1, run: 'run-20260102-030405' },
  { do: 'environment' },
  { do: 'xenLog' },
  {
    ...{ do: 'createGuest', guest, environment: 'pvh', vcpus: 4, memoryMiB: 64 },
    ...{ cpus: '1-3', kernel: '/var/lib/ioreqlab/workload.elf', controlPort: 0xe0 },
  },
  { do: 'destroyGuest', guest },
  {
    ...{ do: 'createServer', guest, server },
    options: { buffered: 'atomic', workers: 'one', waiting: { mode: 'adaptive', cycles: 5 } },
  },
  { do: 'setWaiting', guest, server, waiting: { mode: 'spin', cycles: 1_000_000 } },
  { do: 'attach', guest, server, device: 'scratch', options: { initial: 5 }, at: { register: 0x5000 } },
  { do: 'attachReference', guest, server, ports: [0x5000], addresses: [0xf000_0000] },
  { do: 'attachConstant', guest, server, value: 7 },
  { do: 'trace', guest, server },
  { do: 'useDevice', guest, server, device: 0, ability: 'restore', state: { state: [1], functions: {} } },
  { do: 'closeServers', guest },
  { do: 'execute', guest, writes: [0x10_0000], start: [0, 3], reads: [{ address: 0x20_0000, length: 64 }] },
  { do: 'readMemory', guest, address: 0, length: 0 },
  { do: 'writeMemory', guest, address: Number.MAX_SAFE_INTEGER },
  { do: 'survive', guest, survives: true },
  { do: 'closeServer', guest, server },
  { do: 'dmOps', guest, steps: [{ op: 'mapIoRange', args: ['0x1', '0x0', '0x5000', '0xffffffffffffffff'] }] },
  { do: 'takeProbed', guest },
  { do: 'endProbe', guest },
  {
    ...{ do: 'startFaults', guest, buffered: 'atomic', ranges: [{ kind: 'port', start: '0x5400', end: '0x5407' }] },
    scripts: [
      [{ do: 'state', state: 9 }, { do: 'notify', times: 5, vcpu: 1 }, { do: 'wait', ms: 5 }, { do: 'look' }],
      [{ do: 'field', field: 'vpEport', value: '0x7' }, { do: 'answer', data: '0xff' }, { do: 'die' }],
    ],
  },
  { do: 'makeFaults', guest, vcpu: 0, steps: [{ do: 'ring', read: 0, write: 511 }, { do: 'unmap' }, { do: 'map' }] },
  { do: 'takeFaults', guest },
  { do: 'endFaults', guest },
  { do: 'showClock', guest, address: 0x200_0000 },
];

describe('requests', () => {
  it('are taken as they are', () => {
    for (const request of requests) expect(parseRequest(requestSchema, request)).toEqual(request);
    expect(new Set(requests.map((request) => request.do)).size).toBe(requestSchema.options.length);
  });

  it('that no agent may act on are refused, and the field is named', () => {
    const [, , , create, , createServer, setWaiting, attach, reference, , , , , execute, read] = requests;
    const wrong: readonly [object | undefined, RegExp][] = [
      [{ ...create, guest: '../etc' }, /^createGuest is not possible like this: guest: /],
      [{ ...create, guest: 'a"; x = "' }, /guest: /],
      [{ ...create, guest: 'a\nb' }, /guest: /],
      [{ ...create, kernel: 'relative' }, /kernel: /],
      [{ ...create, cpus: '0"' }, /cpus: /],
      [{ ...create, cpus: '0\nvcpus = 1' }, /cpus: /],
      [{ ...create, vcpus: 1.5 }, /vcpus: /],
      [{ ...create, controlPort: 0x1_0000 }, /controlPort: /],
      [{ ...attach, at: { register: -1 } }, /at\.register: /],
      [{ ...attach, at: { register: 2 ** 53 } }, /at\.register: /],
      [{ ...attach, at: { register: null } }, /at\.register: /],
      [{ ...reference, ports: [], addresses: [] }, /ports: expected one at least, or an address/],
      [{ ...reference, addresses: [-1] }, /addresses\.0: /],
      [{ ...createServer, options: { buffered: 'yes' } }, /options\.buffered: /],
      [{ ...createServer, options: { workers: 2 } }, /options\.workers: /],
      [{ ...createServer, options: { ring: true } }, /options: .*ring/],
      [{ ...setWaiting, waiting: { mode: 'spin' } }, /waiting\.cycles: /],
      [{ ...setWaiting, waiting: { mode: 'block', cycles: 1 } }, /waiting: .*cycles/],
      [{ ...setWaiting, waiting: { mode: 'nap' } }, /waiting/],
      [{ ...execute, start: [128] }, /start\.0: /],
      [{ ...execute, reads: [{ address: 0, length: 0x400_0001 }] }, /reads\.0\.length: /],
      [{ ...read, length: undefined }, /length: /],
      [{ do: 'hello', version: 2, run: 'r' }, /version: /],
      [{}, /^a request is not possible like this: do: /],
      [undefined, /^a request is not possible/],
    ];
    for (const [request, message] of wrong) {
      expect(() => parseRequest(requestSchema, request)).toThrow(
        expect.objectContaining({
          blame: 'scenario',
          code: 'REQUEST_INVALID',
          message: expect.stringMatching(message),
        }) as Error,
      );
    }
  });

  it('are requests or a LabError, whatever came', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...requests),
        fc.dictionary(fc.constantFrom('do', 'guest', 'server', 'at', 'start', 'vcpus'), fc.jsonValue()),
      )
      .map(([request, changes]) => ({ ...request, ...changes }));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.anything()), (request) => {
        try {
          expect(requestSchema.options.map((option) => option.shape.do.value)).toContain(
            parseRequest(requestSchema, request).do,
          );
        } catch (error) {
          expect(error).toMatchObject({ code: 'REQUEST_INVALID' });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('what the agent says', () => {
  it('is a reply or an event', () => {
    const events: readonly AgentEvent[] = [
      { event: 'guestGone', guest, reason: 'crash' },
      { event: 'deviceModelGone', guest, how: 'SIGKILL' },
      { event: 'handlerThrew', guest, server, region: 'scratch.register', message: 'Error: x' },
      { event: 'handlerStuck', guest, server, region: '' },
      { event: 'serverFailed', guest, server, message: 'x' },
      { event: 'deviceModelReplaced', guest, how: 'SIGKILL', recoveryMs: 250 },
      { event: 'log', level: 'warn', message: 'x' },
    ];
    expect(new Set(events.map(({ event }) => event)).size).toBe(eventSchema.options.length);
    for (const event of events) expect(replySchema.parse(event)).toEqual(event);
    expect(replySchema.parse({ id: 0, ok: true, result: { any: 1 } })).toEqual({ id: 0, ok: true, result: { any: 1 } });
    for (const nonsense of [{}, null, { id: 1 }, { id: -1, ok: true }, { id: 1, ok: false }, { event: 'party' }]) {
      expect(replySchema.safeParse(nonsense).success).toBe(false);
    }
  });
});

describe('an error on its way', () => {
  it('keeps who is to blame and what to do', () => {
    const error = new LabError('no device', { blame: 'scenario', code: 'DEVICE_UNKNOWN', next: 'export it', cause: 1 });
    const wire = replySchema.parse(JSON.parse(JSON.stringify({ id: 1, ok: false, error: toWire(error) })));
    const back = 'id' in wire && !wire.ok ? fromWire(wire.error) : undefined;
    expect(back).toMatchObject({ message: 'no device', blame: 'scenario', code: 'DEVICE_UNKNOWN', next: 'export it' });
    const without = new LabError('gone', { blame: 'guest', code: 'GUEST_GONE' });
    expect(toWire(without)).toEqual({ message: 'gone', blame: 'guest', code: 'GUEST_GONE' });
    expect(fromWire(toWire(without)).next).toBeUndefined();
  });

  it("is the host's when a call of libxen failed, and else the harness's", () => {
    const call = Object.assign(new Error('xenevtchn_open: no such file (ENOENT)'), {
      code: 'ENOENT',
      call: 'xenevtchn_open',
    });
    expect(toWire(call)).toEqual({ blame: 'host', code: 'ENOENT', message: call.message });
    expect(toWire(new TypeError('x is not a function'))).toMatchObject({ blame: 'harness', code: 'INTERNAL' });
    expect(toWire(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }))).toMatchObject({ code: 'INTERNAL' });
    for (const thrown of ['text', undefined, null, 5]) {
      expect(toWire(thrown)).toEqual({ blame: 'harness', code: 'INTERNAL', message: String(thrown) });
    }
  });

  it('is recognized when another copy of the code has made it', () => {
    const foreign = { [Symbol.for('ioreqlab.error')]: true, blame: 'guest', code: 'X', message: 'm', next: undefined };
    expect(toWire(foreign)).toEqual({ blame: 'guest', code: 'X', message: 'm' });
  });
});
