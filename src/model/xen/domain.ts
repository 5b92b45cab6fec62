import { frameBytes, ioreqState, ioreqType } from '../../abi/ioreq.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { DeviceModelCalls } from './device-model-calls.ts';
import { EventChannels, type PortNumbers } from './event-channels.ts';
import { GfnPool, type GfnParams } from './gfn-pool.ts';
import type { IoreqServer } from './ioreq-server.ts';
import { Servers } from './servers.ts';
import type { XenFacts } from './versions.ts';

/** How a guest is made. */
export interface DomainOptions {
  /** `hvm`: the toolstack gave frames for ioreq pages, and VGA is there. `pvh`: neither. */
  readonly kind: 'hvm' | 'pvh';
  readonly vcpus: number;
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

interface Flight {
  readonly access: Ioreq;
  readonly server: number | undefined;
  data: bigint;
}

interface Vcpu {
  /** _VPF_blocked_in_xen. */
  isBlocked: boolean;
  flight: Flight | undefined;
}

/** Where the toolstack puts the frames of an HVM guest: special_pfn() of tools/libs/guest/xg_dom_x86.c. */
const hvmGfns: GfnParams = { base: 0xfeff0, legacy: [0xfeffe, 0xfeffd] };

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
  readonly #facts: XenFacts;
  readonly #vcpus: readonly Vcpu[];
  readonly #frames = new Map<number, ArrayBuffer>();
  #cf8 = 0;
  #crashed: string | undefined;

  constructor(domid: number, facts: XenFacts, locals: PortNumbers, { kind, vcpus }: DomainOptions) {
    this.domid = domid;
    this.kind = kind;
    this.#facts = facts;
    this.#vcpus = Array.from({ length: vcpus }, () => ({ isBlocked: false, flight: undefined }));
    this.channels = new EventChannels(locals, (vcpu) => {
      this.#vcpu(vcpu).isBlocked = false;
    });
    const params = kind === 'hvm' ? hvmGfns : undefined;
    const pooled = params ? [...params.legacy, ...Array.from({ length: 8 }, (_, i) => params.base + i)] : [0];
    for (const gfn of pooled) this.#frames.set(gfn, new ArrayBuffer(frameBytes));
    this.servers = new Servers(vcpus, facts, this.channels, new GfnPool(params, facts.legacyGfnsUsable), {
      get: (gfn) => this.#frames.get(gfn),
      add: (gfn, bytes) => this.#frames.set(gfn, bytes),
      remove: (gfn) => this.#frames.delete(gfn),
    });
  }

  get vcpus(): number {
    return this.#vcpus.length;
  }

  /** Why Xen has crashed the domain; undefined while it has not. */
  get crashed(): string | undefined {
    return this.#crashed;
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

  /** A vCPU makes an access that no handler inside Xen takes: hvmemul_do_io(). */
  startAccess(vcpu: number, access: Access): Progress {
    const { flight } = this.#vcpu(vcpu);
    if (flight !== undefined) throw new TypeError(`vCPU ${vcpu} waits already`);
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
    // hvm_access_cf8() latches, and then lets the access go where it would have gone.
    if (request.type === ioreqType.pio && request.addr === 0xcf8n && request.size === 4 && !request.isRead) {
      this.#cf8 = Number(request.data & 0xffff_ffffn);
    }
    const selected = this.servers.select(request, this.#cf8);
    if (selected === undefined) return { kind: 'done', data: allOnes(request), server: undefined };
    return this.#send(vcpu, request, selected.server, selected.request);
  }

  /** ioreq_send(). */
  #send(vcpu: number, access: Ioreq, server: IoreqServer, request: Ioreq): Progress {
    const refused = this.#put(vcpu, server, request);
    if (refused !== undefined) {
      // handle_pio() takes the failure for a bug of its own; the emulator turns it into an exception.
      return access.type === ioreqType.pio ? this.#crash(refused) : { kind: 'fault', why: refused };
    }
    this.#vcpu(vcpu).flight = { access, server: server.id, data: access.data };
    return this.#waiting(vcpu);
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
    for (const server of this.servers.all) {
      const own = server.vcpus[vcpu];
      if (own?.pending !== true) continue;
      const outcome = this.#waitFor(vcpu, server, state.flight, meanwhile);
      if (outcome !== undefined) return outcome;
      own.pending = false;
    }
    const { access, data, server } = state.flight;
    state.flight = undefined;
    const hasData = access.isRead && !access.dataIsPointer;
    return { kind: 'done', data: hasData ? BigInt.asUintN(access.size * 8, data) : 0n, server };
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
        flight.data = (1n << 64n) - 1n;
        return undefined;
      }
      if (state < previous) return this.#crash(`Weird HVM ioreq state transition ${previous} -> ${state}`);
      if (state > ioreqState.responseReady) return this.#crash(`Weird HVM iorequest state ${state}`);
      if (state === ioreqState.responseReady) {
        slot.state = ioreqState.none;
        flight.data = slot.data;
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

/** What the null handler gives for a read. */
function allOnes({ isRead, dataIsPointer, size }: Ioreq): bigint {
  return isRead && !dataIsPointer ? (1n << BigInt(size * 8)) - 1n : 0n;
}
