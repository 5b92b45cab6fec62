import { frameBytes, ioreqState, ioreqType } from '../../abi/ioreq.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { type BufferedOutcome, sendBuffered } from './buffered-ring.ts';
import { DeviceModelCalls } from './device-model-calls.ts';
import { EventChannels, type PortNumbers } from './event-channels.ts';
import { framesOf, gfnParamsOf, GfnPool } from './gfn-pool.ts';
import type { IoreqServer } from './ioreq-server.ts';
import { Interrupts } from './interrupts.ts';
import { MemoryTypes } from './memory-types.ts';
import { Servers } from './servers.ts';
import type { XenFacts } from './versions.ts';
import { XenError } from './xen-error.ts';

/** How a guest is made. */
export interface DomainOptions {
  /** `hvm`: the toolstack gave a pool of frames for ioreq pages, and VGA is there. `pvh`: neither. */
  readonly kind: 'hvm' | 'pvh';
  readonly vcpus: number;
  /** Default 64, from address 0 on. */
  readonly memoryMiB?: number;
  /** Hardware-assisted paging; default true. */
  readonly hap?: boolean;
}

/** An access that a vCPU makes; what is left out is 0 or false, `count` 1. */
export interface Access {
  readonly type: 'pio' | 'copy';
  /** Port or guest-physical address. */
  readonly addr: number | bigint;
  readonly size: number;
  readonly isRead: boolean;
  /** What is written, or with `dataIsPointer` the guest-physical address of the data. */
  readonly data?: number | bigint;
  readonly count?: number;
  readonly dataIsPointer?: boolean;
  readonly backwards?: boolean;
}

/** How far an access has come. */
export type Progress =
  /** It is over. `data`: what a read gave, `size` bytes of it; else 0. `server`: who had it; undefined: nobody. */
  | { readonly kind: 'done'; readonly data: bigint; readonly server: number | undefined }
  /** The vCPU waits for these servers. */
  | { readonly kind: 'waiting'; readonly servers: readonly number[] }
  /** The device model has broken its slot: the instruction faults with #GP. */
  | { readonly kind: 'fault'; readonly why: string }
  /** Xen has crashed the domain. */
  | { readonly kind: 'crashed'; readonly why: string };

/** What inject_event puts into a vCPU: struct x86_event. */
export interface InjectedEvent {
  readonly vector: number;
  readonly type: number;
  readonly errorCode: number;
  readonly instructionLength: number;
  /** CR2, or what else belongs to the event. */
  readonly extra: bigint;
}

interface Flight {
  readonly request: Ioreq;
  /** It was sent, or Xen has answered it; before, the vCPU may have had to broadcast something. */
  hasBegun: boolean;
  /** Its server has it, so that an answer is the access's, and not to a broadcast. */
  isSent: boolean;
  server: number | undefined;
  data: bigint;
}

interface Vcpu {
  /** _VPF_blocked_in_xen. */
  isBlocked: boolean;
  flight: Flight | undefined;
  /** Before f7039ee41b: every further access fails. */
  isLost: boolean;
  /** mapcache_invalidate: it broadcasts INVALIDATE before it goes on. */
  mustInvalidate: boolean;
  /** What inject_event has put in and no {@link Domain.resume} has taken out. */
  event: InjectedEvent | undefined;
}

/**
 * A guest, as far as ioreq servers are concerned. The vCPU's side is {@link startAccess} and {@link resume}, the device
 * model's {@link callsOf}, {@link bind} and {@link notify}. All is synchronous: the caller is vCPU, scheduler and
 * device model in turn.
 */
export class Domain {
  readonly domid: number;
  readonly kind: 'hvm' | 'pvh';
  readonly channels: EventChannels;
  readonly servers: Servers;
  /** Frames for pages of servers. */
  readonly gfns: GfnPool;
  readonly interrupts = new Interrupts();
  readonly memory: MemoryTypes;
  readonly hasHap: boolean;
  readonly #facts: XenFacts;
  readonly #vcpus: readonly Vcpu[];
  readonly #frames = new Map<number, ArrayBuffer>();
  #cf8 = 0;
  #crashed: string | undefined;
  #shutdown: number | undefined;

  constructor(domid: number, facts: XenFacts, locals: PortNumbers, options: DomainOptions) {
    const { kind, vcpus, memoryMiB = 64, hap = true } = options;
    this.domid = domid;
    this.kind = kind;
    this.#facts = facts;
    this.#vcpus = Array.from({ length: vcpus }, () => ({
      isBlocked: false,
      flight: undefined,
      event: undefined,
      mustInvalidate: false,
      isLost: false,
    }));
    this.hasHap = hap;
    this.memory = new MemoryTypes(memoryMiB, kind === 'hvm', facts.overlappingRelocation, facts.pinnedRangesLimited);
    this.channels = new EventChannels(locals, (vcpu) => {
      this.#vcpu(vcpu).isBlocked = false;
    });
    const params = gfnParamsOf(kind);
    for (const gfn of framesOf(params)) this.#frames.set(gfn, new ArrayBuffer(frameBytes));
    this.gfns = new GfnPool(params, facts.legacyGfnsUsable);
    this.servers = new Servers(vcpus, facts, this.channels, this.gfns, {
      get: (gfn) => this.#frames.get(gfn),
      add: (gfn, bytes) => void this.#frames.set(gfn, bytes),
      remove: (gfn) => {
        // hvm_remove_ioreq_gfn(): the frame is another server's page too, and that has taken it already.
        if (!this.#frames.delete(gfn)) this.#crash(`frame ${gfn} of a server is not in the guest's memory`);
        this.requestInvalidate();
      },
    });
  }

  /** inject_event(): one at a time, until the vCPU runs. */
  injectEvent(vcpu: number, event: InjectedEvent): void {
    const state = this.#vcpus[vcpu];
    if (state === undefined) throw new XenError('EINVAL', `there is no vCPU ${vcpu}`);
    if (state.event !== undefined) throw new XenError('EBUSY', 'an event waits already');
    state.event = event;
  }

  /** The event that a vCPU gets when it runs next: the end of hvm_do_resume(). */
  takeEvent(vcpu: number): InjectedEvent | undefined {
    const state = this.#vcpu(vcpu);
    const { event } = state;
    state.event = undefined;
    return event;
  }

  get vcpus(): number {
    return this.#vcpus.length;
  }

  /** Why Xen has crashed the domain; undefined while it has not. */
  get crashed(): string | undefined {
    return this.#crashed;
  }

  /** Why the domain is shutting down: SHUTDOWN_* of public/sched.h; undefined while it is not. */
  get shutdown(): number | undefined {
    return this.#shutdown;
  }

  /** domain_shutdown(): the first reason stays, but for a crash. */
  shutDown(reason: number): void {
    this.#shutdown ??= reason;
  }

  /** The operations of a device model in a domain: dom0, unless said otherwise. */
  callsOf(caller = 0): DeviceModelCalls {
    return new DeviceModelCalls(this, this.servers, this.#facts, caller);
  }

  /** The bytes of a frame that was given for a server's page, as a foreign mapping; undefined while it is Xen's. */
  frame(gfn: number): ArrayBuffer | undefined {
    return this.#frames.get(gfn);
  }

  /**
   * Binds a device model's end of a channel; `raised` is called at each event, and at once.
   *
   * @throws XenError EINVAL
   */
  bind(port: number, raised: (local: number) => void, caller = 0): number {
    return this.channels.bind(caller, port, raised);
  }

  unbind(local: number): void {
    this.channels.unbind(local);
  }

  /** The device model notifies Xen: a vCPU that waits may go on, see {@link resume}. */
  notify(local: number): void {
    this.channels.notify(local);
  }

  /** True while the vCPU waits and nobody has notified it: {@link resume} would find nothing new. */
  isBlocked(vcpu: number): boolean {
    return this.#vcpu(vcpu).isBlocked;
  }

  /**
   * A frame of the guest's memory was taken away, by somebody else than the guest:
   * ioreq_request_mapcache_invalidate().
   */
  requestInvalidate(): void {
    if (!this.#facts.invalidateOnRemoval) return;
    for (const vcpu of this.#vcpus) vcpu.mustInvalidate = true;
  }

  /** The guest has taken a frame of its own away, by decrease_reservation on this vCPU. */
  decreaseReservation(vcpu: number): void {
    this.#vcpu(vcpu).mustInvalidate = true;
  }

  /**
   * A vCPU makes an access that no handler inside Xen takes: hvmemul_do_io(). It may have to broadcast INVALIDATE first;
   * then it waits for that, and begins the access in {@link resume}.
   */
  startAccess(vcpu: number, access: Access): Progress {
    const state = this.#vcpu(vcpu);
    if (state.flight !== undefined) throw new TypeError(`vCPU ${vcpu} waits already`);
    if (this.#crashed !== undefined) return this.#crash(this.#crashed);
    const request: Ioreq = {
      type: access.type === 'pio' ? ioreqType.pio : ioreqType.copy,
      addr: BigInt(access.addr),
      data: access.isRead && access.dataIsPointer !== true ? 0n : BigInt.asUintN(64, BigInt(access.data ?? 0)),
      size: access.size,
      count: access.count ?? 1,
      isRead: access.isRead,
      dataIsPointer: access.dataIsPointer ?? false,
      backwards: access.backwards ?? false,
    };
    state.flight = { request, hasBegun: false, isSent: false, server: undefined, data: request.data };
    return this.#advance(vcpu, state, state.flight);
  }

  /**
   * The vCPU is to run again: hvm_do_resume(). Nothing changes while it is blocked.
   *
   * @param meanwhile what a device model on another processor does between Xen's two looks at a slot
   */
  resume(vcpu: number, meanwhile?: () => void): Progress {
    const state = this.#vcpu(vcpu);
    if (this.#crashed !== undefined) return this.#crash(this.#crashed);
    if (state.flight === undefined) throw new TypeError(`vCPU ${vcpu} waits for nothing`);
    if (state.isBlocked) return this.#waiting(vcpu);
    return this.#advance(vcpu, state, state.flight, meanwhile);
  }

  /** What the vCPU's guest has written to its clock: seconds to add to its offset. Broadcast to the rings. */
  sendTimeOffset(seconds: number | bigint): BufferedOutcome[] {
    const request: Ioreq = {
      ...{ type: ioreqType.timeOffset, addr: 0n, data: BigInt.asUintN(64, BigInt(seconds)), size: 8, count: 1 },
      ...{ isRead: false, dataIsPointer: false, backwards: false },
    };
    return this.servers.all
      .filter(({ enabled, hasRing }) => enabled && (hasRing || !this.#facts.broadcastSkipsUnbuffered))
      .map((server) => this.sendBuffered(server, request));
  }

  /** Puts a request into a server's ring, and raises its channel. */
  sendBuffered(server: IoreqServer, request: Ioreq): BufferedOutcome {
    if (server.buffered === undefined || server.bufferedPort === undefined) return 'refused';
    const outcome = sendBuffered(server.buffered.ring, request, server.mode, this.#facts.honestBufferedSend);
    if (outcome === 'buffered') this.channels.raise(server.bufferedPort);
    return outcome;
  }

  /** As far as the vCPU comes: vcpu_ioreq_handle_completion(), and the access itself. */
  #advance(vcpu: number, state: Vcpu, flight: Flight, meanwhile?: () => void): Progress {
    for (;;) {
      for (const server of this.servers.all) {
        const own = server.vcpus[vcpu];
        if (own?.pending !== true) continue;
        const outcome = this.#waitFor(vcpu, server, flight, meanwhile);
        if (outcome !== undefined) return outcome;
        own.pending = false;
      }
      flight.isSent = false;
      if (state.mustInvalidate) {
        state.mustInvalidate = false;
        for (const server of this.servers.all) if (server.enabled) this.#put(vcpu, server, invalidate);
        continue;
      }
      if (flight.hasBegun) return this.#end(state, flight);
      flight.hasBegun = true;
      const ended = this.#begin(vcpu, state, flight);
      if (ended !== undefined) return ended;
    }
  }

  /** Sends the access to its server; undefined when the vCPU now waits for it. */
  #begin(vcpu: number, state: Vcpu, flight: Flight): Progress | undefined {
    const { request } = flight;
    // hvm_access_cf8() latches, and then lets the access go where it would have gone.
    if (request.type === ioreqType.pio && request.addr === 0xcf8n && request.size === 4 && !request.isRead) {
      this.#cf8 = Number(request.data & 0xffff_ffffn);
    }
    if (state.isLost) return this.#refuse(state, request, 'the answer of a destroyed server is outstanding');
    const selected = this.servers.select(request, this.#cf8);
    if (selected === undefined) {
      flight.data = (1n << 64n) - 1n;
      return this.#end(state, flight);
    }
    const { server } = selected;
    flight.server = server.id;
    // stdvga_mem_accept(): writes to VGA's memory are not waited for, as long as there is room.
    if (this.kind === 'hvm' && isVgaWrite(request) && this.sendBuffered(server, selected.request) !== 'refused') {
      return this.#end(state, flight);
    }
    const refused = this.#put(vcpu, server, selected.request);
    if (refused !== undefined) return this.#refuse(state, request, refused);
    flight.isSent = true;
    return undefined;
  }

  /** handle_pio() takes a failure for a bug of its own; the emulator turns it into an exception. */
  #refuse(state: Vcpu, { type }: Ioreq, why: string): Progress {
    state.flight = undefined;
    return type === ioreqType.pio ? this.#crash(why) : { kind: 'fault', why };
  }

  #end(state: Vcpu, { request, data, server }: Flight): Progress {
    state.flight = undefined;
    const hasData = request.isRead && !request.dataIsPointer;
    // Nobody sets it back when the server is gone: hvm_io_assist() before f7039ee41b.
    const isGone = server !== undefined && this.servers.get(server) === undefined;
    if (isGone && !this.#facts.destroyedServerCompletes) state.isLost = true;
    return { kind: 'done', data: hasData ? BigInt.asUintN(request.size * 8, data) : 0n, server };
  }

  /** Puts a request into a vCPU's slot; says why when the slot is not as Xen left it. */
  #put(vcpu: number, server: IoreqServer, request: Ioreq): string | undefined {
    const slot = server.ioreq?.slots[vcpu];
    const own = server.vcpus[vcpu];
    if (slot === undefined || own === undefined) throw new TypeError('enabled without a page: undefined in Xen');
    if (slot.state !== ioreqState.none) return `device model set bad IO state ${slot.state}`;
    if (slot.vpEport !== own.port) return `device model set bad event channel ${slot.vpEport}`;
    slot.write(request);
    this.#vcpu(vcpu).isBlocked = true;
    own.pending = true;
    slot.state = ioreqState.ready;
    this.channels.raise(own.port);
    return undefined;
  }

  /** wait_for_io(): undefined when the server has answered. */
  #waitFor(vcpu: number, server: IoreqServer, flight: Flight, meanwhile?: () => void): Progress | undefined {
    const slot = server.ioreq?.slots[vcpu];
    if (slot === undefined) throw new TypeError('pending without a page');
    let previous: number = ioreqState.none;
    let { state } = slot;
    for (;;) {
      // A page that was cleared under it: the emulator is dying.
      if (state === ioreqState.none) {
        if (flight.isSent) flight.data = (1n << 64n) - 1n;
        return undefined;
      }
      if (state < previous) return this.#crash(`Weird HVM ioreq state transition ${previous} -> ${state}`);
      if (state > ioreqState.responseReady) return this.#crash(`Weird HVM iorequest state ${state}`);
      if (state === ioreqState.responseReady) {
        slot.state = ioreqState.none;
        if (flight.isSent) flight.data = slot.data;
        return undefined;
      }
      previous = state;
      meanwhile?.();
      ({ state } = slot);
      if (state === previous) {
        this.#vcpu(vcpu).isBlocked = true;
        return this.#waiting(vcpu);
      }
    }
  }

  #waiting(vcpu: number): Progress {
    const waiting = this.servers.all.filter((server) => server.vcpus[vcpu]?.pending);
    return { kind: 'waiting', servers: waiting.map(({ id }) => id) };
  }

  #crash(why: string): Progress {
    this.#crashed = why;
    return { kind: 'crashed', why };
  }

  #vcpu(vcpu: number): Vcpu {
    const state = this.#vcpus[vcpu];
    if (state === undefined) throw new TypeError(`there is no vCPU ${vcpu}`);
    return state;
  }
}

/** What ioreq_signal_mapcache_invalidate() broadcasts. */
const invalidate: Ioreq = {
  ...{ type: ioreqType.invalidate, addr: 0n, data: (1n << 64n) - 1n, size: 4, count: 0 },
  ...{ isRead: false, dataIsPointer: false, backwards: false },
};

/** The memory of VGA: 0xa0000 to 0xbffff. */
function isVgaWrite({ type, addr, size, count, isRead, dataIsPointer }: Ioreq): boolean {
  const isInside = addr >= 0xa_0000n && addr + BigInt(size) <= 0xc_0000n;
  return type === ioreqType.copy && isInside && count === 1 && !isRead && !dataIsPointer;
}
