import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hvmParam } from '../../abi/hvm-param.ts';
import { isErrno, type Errno } from '../errno.ts';
import { bufferedIoSend } from './buffered-io-send.ts';
import { doIo } from './do-io.ts';
import { doResume } from './do-resume.ts';
import { isRunnable } from './domain.ts';
import { getIoreq } from './get-ioreq.ts';
import { FoundingHost } from './founding-host.ts';
import { Emulator } from './testing/emulator.ts';
import { bufioreqGfn, dom0, guest, held, ioreqGfn, otherGfn, request, stub } from './testing/rig.ts';

type Step =
  | { readonly do: 'add' | 'remove' | 'send' | 'buffer' | 'take' | 'answer' | 'resume'; readonly vcpu: number }
  | { readonly do: 'emulate'; readonly domid: number }
  | { readonly do: 'set'; readonly index: number; readonly gfn: number }
  | { readonly do: 'drain' };

const vcpu = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('send', 'take', 'answer', 'resume'), vcpu }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('add', 'buffer'), vcpu }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove'), vcpu: fc.constantFrom(2, 1, 0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('emulate'), domid: fc.constantFrom(dom0, stub, 99) }) },
  // Two pages in one frame are allowed, and end in nonsense.
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step[]>(
      { do: 'set', index: hvmParam.ioreqPfn, gfn: ioreqGfn },
      { do: 'set', index: hvmParam.ioreqPfn, gfn: 0xdead },
      { do: 'set', index: hvmParam.bufioreqPfn, gfn: bufioreqGfn },
      { do: 'set', index: hvmParam.bufioreqPfn, gfn: otherGfn },
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain') }) },
);

/** Which of Xen's allocations fail: the n-th of memory, of ports, of mappings. */
const failures = fc.record({
  memory: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
  ports: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }),
  mappings: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
});

/** Runs steps on a guest and keeps book: what has to be held after each, and which requests are where. */
class Life {
  readonly host = new FoundingHost();
  readonly #serial = new Map<number, bigint>();
  /** Per vCPU: its request that was sent and not completed. */
  readonly #open = new Map<number, { serial: bigint; stage: 'sent' | 'taken' | 'answered' }>();
  readonly #buffered: bigint[] = [];
  readonly #drained: bigint[] = [];
  #emulator: Emulator | undefined;
  #next = 1n;
  /** vCPUs whose slot was left in use by their end. */
  readonly #spoilt = new Set<number>();

  constructor() {
    this.host.createDomain(guest);
    this.host.createDomain(stub, { kind: 'pv', target: guest });
    for (const gfn of [ioreqGfn, bufioreqGfn, otherGfn]) this.host.domain(guest).frames.add(gfn);
  }

  get #server() {
    const server = this.host.domain(guest).ioreqServer;
    if (server === undefined) throw new Error('no server');
    return server;
  }

  /** Requests that were answered and completed so far. */
  completed = 0;

  /** Entries of the ring that were read so far. */
  get drained(): number {
    return this.#drained.length;
  }

  /** What the steps so far have to hold: two ports of vCPU 0, one of each other, an object of each, the set pages. */
  check(): void {
    const domain = this.host.domain(guest);
    const vcpus = [...domain.vcpus.keys()];
    const pages = [this.#server.ioreq, this.#server.bufioreq].filter((page) => page !== undefined).length;
    assert.deepEqual(held(this.host), {
      ports: vcpus.length + (vcpus.includes(0) ? 1 : 0),
      objects: 1 + vcpus.length,
      mappings: pages,
    });
    assert.equal(domain.pauseCount, 2 - pages);
    assert.equal(domain.crash, undefined);
    const ports = new Map(this.host.channels.ports(guest).map((port) => [port.port, port]));
    for (const { vcpu, ioreqEvtchn } of this.#server.vcpus) {
      assert.equal(ports.get(ioreqEvtchn)?.vcpu, vcpu.id);
      if (this.#server.ioreq !== undefined) {
        assert.equal(getIoreq(this.#server, vcpu).vpEport, ioreqEvtchn);
      }
    }
    if (vcpus.includes(0)) {
      const param = this.host.getParam(dom0, guest, hvmParam.bufioreqEvtchn);
      assert.equal(param, BigInt(this.#server.bufioreqEvtchn ?? -1));
      assert.equal(ports.get(Number(param))?.vcpu, 0);
    }
  }

  run(step: Step): void {
    switch (step.do) {
      case 'add':
        if (!this.host.domain(guest).vcpus.has(step.vcpu) && !this.#spoilt.has(step.vcpu)) {
          this.#settle(this.host.createVcpu(guest, step.vcpu));
        }
        break;
      case 'remove':
        this.#remove(step.vcpu);
        break;
      case 'set':
        this.#settle(this.host.setParam(dom0, guest, step.index, BigInt(step.gfn)));
        break;
      case 'emulate':
        this.#emulate(step.domid);
        break;
      case 'send':
        this.#send(step.vcpu);
        break;
      case 'buffer':
        this.#buffer(step.vcpu);
        break;
      case 'take':
        this.#take(step.vcpu);
        break;
      case 'answer':
        this.#answer(step.vcpu);
        break;
      case 'resume':
        this.#resume(step.vcpu);
        break;
      case 'drain':
        this.#drained.push(
          ...(this.#attached()
            ?.drain()
            .map(({ data }) => data) ?? []),
        );
        break;
    }
  }

  /** Every request is answered by whoever emulates at last, and every entry is read. */
  end(): void {
    this.#emulate(stub);
    this.#emulate(dom0);
    const emulator = this.#attached();
    for (const [id, open] of this.#open) {
      if (open.stage === 'sent') this.#take(id);
      if (open.stage === 'taken') this.#answer(id);
      this.#resume(id);
    }
    assert.equal(this.#open.size, 0);
    // The channel has gone with vCPU 0: what is in the ring is there, but nobody was told.
    const isTold = this.host.domain(guest).vcpus.has(0);
    const rest = (isTold ? emulator?.drain() : emulator?.readRing()) ?? [];
    this.#drained.push(...rest.map(({ data }) => data));
    assert.deepEqual(this.#drained, this.#buffered);
    this.check();
    emulator?.close();
    this.host.destroyDomain(guest);
    assert.deepEqual(held(this.host), { ports: 0, objects: 0, mappings: 0 });
  }

  #emulate(domid: number): void {
    this.#settle(this.host.setParam(dom0, guest, hvmParam.dmDomain, BigInt(domid)));
    this.#emulator?.close();
    this.#emulator = undefined;
  }

  #settle(failure: Errno | undefined): void {
    assert.ok(failure === undefined || isErrno(failure));
  }

  /** The emulator that the server is for, with all that it can bind: another one takes over where the last one was. */
  #attached(): Emulator | undefined {
    const { domid, ioreq, bufioreq } = this.#server;
    if (ioreq === undefined || bufioreq === undefined || domid === 99) return undefined;
    if (this.#emulator?.domid !== domid) {
      this.#emulator?.close();
      this.#emulator = new Emulator(this.host, domid, guest);
    }
    this.#emulator.bind();
    return this.#emulator;
  }

  #remove(id: number): void {
    if (!this.host.domain(guest).vcpus.has(id)) return;
    // Of vCPU 0 the buffered channel goes too: nothing is left to send with, as in a domain's end.
    if (this.#open.delete(id)) this.#spoilt.add(id);
    this.host.destroyVcpu(guest, id);
    this.#emulator?.close();
    this.#emulator = undefined;
  }

  #send(id: number): void {
    const found = this.host.domain(guest).vcpus.get(id);
    if (found === undefined || !isRunnable(found) || this.#open.has(id)) return;
    if (doResume(found) !== 'runs') throw new Error('a runnable vCPU without a request does not run');
    const serial = this.#next++;
    assert.equal(doIo(found, request({ type: 1, addr: serial, size: 8, isRead: true })), 'retry');
    this.#open.set(id, { serial, stage: 'sent' });
    assert.equal(isRunnable(found), false);
  }

  #buffer(id: number): void {
    const found = this.host.domain(guest).vcpus.get(id);
    if (found === undefined || !isRunnable(found) || !this.host.domain(guest).vcpus.has(0)) return;
    const data = this.#next++;
    assert.ok(bufferedIoSend(found, request({ type: 1, addr: 0xa0000n, size: 8, data })));
    this.#buffered.push(data);
  }

  #take(id: number): void {
    const emulator = this.#attached();
    const open = this.#open.get(id);
    const taken = emulator?.take(id);
    if (taken === undefined) return;
    assert.deepEqual([taken.addr, open?.stage], [open?.serial, 'sent']);
    if (open !== undefined) open.stage = 'taken';
  }

  #answer(id: number): void {
    const emulator = this.#attached();
    const open = this.#open.get(id);
    if (emulator === undefined || open?.stage !== 'taken') return;
    emulator.answer(id, open.serial * 3n);
    open.stage = 'answered';
  }

  #resume(id: number): void {
    const found = this.host.domain(guest).vcpus.get(id);
    if (found === undefined) return;
    const open = this.#open.get(id);
    const resumed = doResume(found);
    if (open === undefined || resumed === 'waits') return;
    assert.deepEqual([resumed, open.stage, found.ioState], ['runs', 'answered', 'completed']);
    assert.equal(doIo(found, request({ type: 1, addr: open.serial, size: 8, isRead: true })), 'okay');
    assert.equal(found.ioData, open.serial * 3n);
    const serial = this.#serial.get(id) ?? 0n;
    assert.ok(open.serial > serial);
    this.#serial.set(id, open.serial);
    this.#open.delete(id);
    this.completed++;
  }
}

describe('no sequence of adding and removing vCPUs, other emulators, pages, requests, answers and resumptions', () => {
  it('leaks a channel, an object or a page, or loses or doubles a request', { timeout: 60_000 }, () => {
    let [requests, entries] = [0, 0];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const life = new Life();
        const prologue: Step[] = [0, 1, 2].map((vcpu) => ({ do: 'add', vcpu }));
        prologue.push({ do: 'set', index: hvmParam.ioreqPfn, gfn: ioreqGfn });
        prologue.push({ do: 'set', index: hvmParam.bufioreqPfn, gfn: bufioreqGfn });
        for (const next of [...(steps.length % 8 !== 7 ? prologue : []), ...steps]) {
          life.run(next);
          life.check();
        }
        life.end();
        requests += life.completed;
        entries += life.drained;
      }),
      { numRuns: 300 },
    );
    expect([requests > 100, entries > 50]).toEqual([true, true]);
  });

  it('nor when allocations fail anywhere', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), failures, (steps, { memory, ports, mappings }) => {
        const life = new Life();
        for (const n of memory) life.host.heap.failAllocation(n);
        for (const n of ports) life.host.channels.failAllocation(n);
        for (const n of mappings) life.host.domain(guest).frames.failMapping(n);
        for (const next of steps) {
          life.run(next);
          life.check();
        }
        life.host.destroyDomain(guest);
        expect(held(life.host)).toEqual({ ports: 0, objects: 0, mappings: 0 });
      }),
      { numRuns: 300 },
    );
  });
});

describe('every allocation of a whole life, made to fail one after the other', () => {
  const story: Step[] = [
    ...[0, 1, 2].map((vcpu): Step => ({ do: 'add', vcpu })),
    { do: 'set', index: hvmParam.ioreqPfn, gfn: ioreqGfn },
    { do: 'set', index: hvmParam.bufioreqPfn, gfn: bufioreqGfn },
    { do: 'emulate', domid: stub },
    { do: 'add', vcpu: 3 },
    { do: 'remove', vcpu: 1 },
    { do: 'emulate', domid: dom0 },
  ];

  it.each(['memory', 'ports', 'mappings'] as const)('%s', (what) => {
    let n = 0;
    for (let failed = true; failed;) {
      const life = new Life();
      const { heap, channels } = life.host;
      const { frames } = life.host.domain(guest);
      n++;
      if (what === 'memory') heap.failAllocation(n);
      else if (what === 'ports') channels.failAllocation(n);
      else frames.failMapping(n);
      const before = life.host.channels.allocations;
      for (const next of story) {
        life.run(next);
        life.check();
      }
      const wanted = { memory: 4, ports: channels.allocations - before, mappings: 2 }[what];
      failed = n <= wanted;
      life.host.destroyDomain(guest);
      expect(held(life.host)).toEqual({ ports: 0, objects: 0, mappings: 0 });
    }
    expect(n).toBeGreaterThan(2);
  });
});
