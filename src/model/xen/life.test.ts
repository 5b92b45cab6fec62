import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ioreqState, ioreqType } from '../../abi/ioreq.ts';
import { IoreqSlot } from '../../abi/ioreq-slot.ts';
import { takeBuffered } from './buffered-ring.ts';
import type { Domain, Progress } from './domain.ts';
import { model } from './hypervisor.ts';
import { rangeType } from './ioreq-server.ts';
import { resourceFrame } from './servers.ts';
import { XenError } from './xen-error.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 120_000 });

const vcpus = 3;
const frames = 10;
const id = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 7 }));
const vcpu = fc.integer({ min: 0, max: vcpus - 1 });
const port = fc.integer({ min: 0x5000, max: 0x5007 });

/** Something that happens to a guest: a device model's operation, an access, an answer. */
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('create' as const),
      mode: fc.nat(2),
      byGfn: fc.boolean(),
      isReady: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('destroy' as const), id }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('enable' as const), id, on: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('range' as const),
      id,
      port,
      length: fc.integer({ min: 1, max: 8 }),
      adds: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ what: fc.constant('access' as const), vcpu, port, isRead: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant('answer' as const), id, vcpu, answers: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant('resume' as const), vcpu }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('offset' as const), seconds: fc.integer() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('balloon' as const), vcpu }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** A server as its device model keeps it, beside what Xen keeps. */
interface Known {
  readonly slots: readonly IoreqSlot[];
  readonly locals: number[];
  readonly hasRing: boolean;
}

/** Drives a domain and keeps its own account of it; throws as soon as the two differ. */
class Driver {
  readonly domain: Domain;
  readonly #known = new Map<number, Known>();
  /** The access that each vCPU is in, and whom it was sent to. */
  readonly #flights = new Map<
    number,
    { readonly isRead: boolean; readonly data: bigint; server: number | undefined }
  >();
  /** By server and vCPU: READY requests that were seen and not answered. */
  readonly #answers = new Map<string, bigint>();
  #serial = 0n;
  sent = 0;
  done = 0;

  constructor(version: string) {
    this.domain = model(version).createDomain({ kind: 'hvm', vcpus });
  }

  happen(happening: Happening): void {
    const calls = this.domain.callsOf();
    try {
      switch (happening.what) {
        case 'create': {
          const created = calls.createIoreqServer(happening.mode);
          const page = this.#pageOf(created, happening.byGfn);
          const slots = Array.from({ length: vcpus }, (_, i) => new IoreqSlot(page, i));
          this.#known.set(created, { slots, locals: [], hasRing: happening.mode !== 0 });
          if (!happening.isReady) break;
          this.happen({ what: 'range', id: created, port: 0x5000, length: 6, adds: true });
          this.happen({ what: 'enable', id: created, on: true });
          break;
        }
        case 'destroy': {
          const known = this.#known.get(happening.id);
          this.#settle(happening.id);
          calls.destroyIoreqServer(happening.id);
          for (const local of known?.locals ?? []) this.domain.unbind(local);
          this.#known.delete(happening.id);
          break;
        }
        case 'enable': {
          const known = this.#known.get(happening.id);
          if (!happening.on) this.#settle(happening.id);
          calls.setIoreqServerState(happening.id, happening.on ? 1 : 0);
          if (known !== undefined && happening.on && known.locals.length === 0) {
            for (const slot of known.slots) known.locals.push(this.domain.bind(slot.vpEport, () => undefined));
          }
          break;
        }
        case 'range': {
          const change = happening.adds ? calls.mapIoRange.bind(calls) : calls.unmapIoRange.bind(calls);
          change(happening.id, rangeType.port, happening.port, happening.port + happening.length - 1);
          break;
        }
        case 'access':
          this.#access(happening.vcpu, happening.port, happening.isRead);
          break;
        case 'answer':
          if (happening.answers) this.#answer(happening.id, happening.vcpu);
          else this.#notify(happening.id, happening.vcpu);
          break;
        case 'resume':
          this.#resume(happening.vcpu);
          break;
        case 'offset':
          this.#offset(happening.seconds);
          break;
        case 'balloon':
          this.domain.decreaseReservation(happening.vcpu);
          break;
      }
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
    }
    this.check();
  }

  #pageOf(server: number, byGfn: boolean): ArrayBuffer {
    const calls = this.domain.callsOf();
    if (byGfn) {
      try {
        const { ioreqGfn } = calls.getIoreqServerInfo(server, true);
        const page = this.domain.frame(Number(ioreqGfn));
        if (page !== undefined) return page;
      } catch (error) {
        if (!(error instanceof XenError) || error.code !== 'ENOMEM') throw error;
      }
    }
    return calls.acquireResource(server, resourceFrame.ioreq);
  }

  #access(vcpu: number, port: number, isRead: boolean): void {
    if (this.#flights.has(vcpu)) return;
    const data = ++this.#serial & 0xffn;
    this.#flights.set(vcpu, { isRead, data, server: undefined });
    this.#note(vcpu, this.domain.startAccess(vcpu, { type: 'pio', addr: port, size: 1, isRead, data }));
  }

  /** What a vCPU's progress must be by what is in the slots. */
  #note(vcpu: number, progress: Progress): void {
    const flight = this.#flights.get(vcpu);
    if (flight === undefined) throw new Error('a vCPU without an access goes on');
    if (progress.kind === 'waiting') {
      for (const id of progress.servers) this.#take(vcpu, id, flight);
      return;
    }
    if (progress.kind !== 'done') throw new Error(progress.why);
    this.#flights.delete(vcpu);
    this.done++;
    if (flight.server === undefined) {
      expect(progress).toEqual({ kind: 'done', data: flight.isRead ? 0xffn : 0n, server: undefined });
      return;
    }
    const key = `${flight.server} ${vcpu}`;
    const answer = this.#answers.get(key);
    this.#answers.delete(key);
    if (answer === undefined) throw new Error('an access is done that nobody has answered');
    expect(progress).toEqual({ kind: 'done', data: flight.isRead ? answer : 0n, server: flight.server });
  }

  /** A request that is READY is new, is at a server that is enabled and owns it, and is what the vCPU does. */
  #take(
    vcpu: number,
    id: number,
    flight: { server: number | undefined; readonly data: bigint; readonly isRead: boolean },
  ): void {
    const slot = this.#known.get(id)?.slots[vcpu];
    if (slot === undefined || slot.state !== ioreqState.ready) return;
    const request = slot.read();
    if (request.type === ioreqType.invalidate || flight.server === id) return;
    if (flight.server !== undefined) throw new Error('a request was sent to two servers');
    flight.server = id;
    this.sent++;
    const server = this.domain.servers.get(id);
    const owner = this.domain.servers.all.find(
      ({ enabled, ranges }) => enabled && ranges[rangeType.port]?.contains(request.addr, request.addr),
    );
    expect(server).toBe(owner);
    expect(request).toMatchObject({ isRead: flight.isRead, data: flight.isRead ? 0n : flight.data });
  }

  #answer(id: number, vcpu: number): void {
    const slot = this.#known.get(id)?.slots[vcpu];
    if (slot === undefined || slot.state !== ioreqState.ready) return;
    const isAccess = slot.read().type !== ioreqType.invalidate;
    const answer = ++this.#serial & 0xffn;
    slot.data = answer;
    slot.state = ioreqState.responseReady;
    if (isAccess) {
      const key = `${id} ${vcpu}`;
      if (this.#answers.has(key)) throw new Error('a request was there twice');
      this.#answers.set(key, answer);
    }
    this.#notify(id, vcpu);
  }

  /**
   * What a device model in order does before it disables or destroys: one that does not makes answers worthless, whose page
   * is cleared, or leaves vCPUs waiting for ever (domain.test.ts).
   */
  #settle(id: number): void {
    // More than once: before and after its access a vCPU may have INVALIDATE to send.
    for (let turn = 0; turn < 5; turn++) {
      for (let i = 0; i < vcpus; i++) this.#answer(id, i);
      for (let i = 0; i < vcpus; i++) this.#resume(i);
    }
  }

  #notify(id: number, vcpu: number): void {
    const local = this.#known.get(id)?.locals[vcpu];
    if (local !== undefined) this.domain.notify(local);
  }

  #resume(vcpu: number): void {
    if (this.#flights.has(vcpu)) this.#note(vcpu, this.domain.resume(vcpu));
  }

  #offset(seconds: number): void {
    const rings = this.domain.servers.all.filter(({ enabled, buffered }) => enabled && buffered !== undefined);
    this.domain.sendTimeOffset(seconds);
    for (const { buffered } of rings) {
      const entry = buffered && takeBuffered(buffered.ring);
      expect(entry).toMatchObject({ type: ioreqType.timeOffset, size: 8, data: BigInt.asUintN(64, BigInt(seconds)) });
      expect(buffered?.ring.used).toBe(0);
    }
  }

  /** Xen's account and ours are the same. */
  check(): void {
    const { servers, channels, gfns } = this.domain;
    const rings = [...this.#known.values()].filter(({ hasRing }) => hasRing).length;
    const taken = servers.all
      .flatMap(({ ioreq, buffered }) => [ioreq?.gfn, buffered?.gfn])
      .filter((gfn) => gfn !== undefined);
    if (servers.all.length !== this.#known.size) throw new Error('another number of servers');
    if (channels.open !== this.#known.size * vcpus + rings) throw new Error(`${channels.open} channels are open`);
    if (gfns.free + taken.length !== frames) throw new Error(`${gfns.free} frames are free, ${taken.length} taken`);
    if (new Set(taken).size !== taken.length) throw new Error('two servers have a frame');
    for (const { ioreq, buffered, enabled } of servers.all) {
      for (const page of [ioreq, buffered]) {
        if (page?.gfn !== undefined && (this.domain.frame(page.gfn) === undefined) !== enabled) {
          throw new Error('a frame is in the guest while its server is enabled, or is not while it is not');
        }
      }
    }
  }

  /** Lets everybody finish, and destroys all servers. */
  end(): void {
    for (let turn = 0; turn < 4; turn++) {
      for (const id of this.#known.keys()) for (let i = 0; i < vcpus; i++) this.#answer(id, i);
      for (let i = 0; i < vcpus; i++) this.#resume(i);
    }
    if (this.#flights.size > 0) throw new Error('a vCPU waits for ever');
    for (const id of this.#known.keys()) this.happen({ what: 'destroy', id });
    expect(this.domain.channels).toMatchObject({ open: 0, bound: 0 });
    expect(this.domain.gfns.free).toBe(frames);
    if (this.#answers.size > 0) throw new Error('an answer that nobody took');
  }
}

describe('whatever happens to a guest and its servers', () => {
  for (const version of ['4.20', '4.22']) {
    it(`nothing leaks, and each access is answered once, by an enabled server that owns it (${version})`, () => {
      let sent = 0;
      fc.assert(
        fc.property(fc.array(happening, { minLength: 20, maxLength: 120 }), (happenings) => {
          const driver = new Driver(version);
          for (const one of happenings) driver.happen(one);
          driver.end();
          sent += driver.sent;
        }),
        { numRuns: 300 },
      );
      // The property is about something.
      expect(sent).toBeGreaterThan(100);
    });
  }
});
