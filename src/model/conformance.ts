import { ioreqState, ioreqType } from '../abi/ioreq.ts';
import { type Ioreq, IoreqSlot } from '../abi/ioreq-slot.ts';
import { probeAnswer, type ProbedAccess, type ProbeOutcome } from '../server/dm-op-probe.ts';
import { bufferedMode } from './xen/buffered-ring.ts';
import { callByName, type ModelOp } from './xen/dm-op-call.ts';
import type { DeviceModelCalls } from './xen/device-model-calls.ts';
import type { Access, Domain } from './xen/domain.ts';
import { model } from './xen/hypervisor.ts';
import { rangeType } from './xen/ioreq-server.ts';
import { resourceFrame } from './xen/servers.ts';
import { XenError } from './xen/xen-error.ts';

/** A step of a comparison between the model and real Xen: an operation of dom0, or accesses of the guest's vCPU 0. */
export type Step =
  | { readonly kind: 'op'; readonly op: ModelOp; readonly args: readonly bigint[] }
  | { readonly kind: 'look'; readonly accesses: readonly Access[] };

/** What the model says to an access. */
export interface ExpectedAccess {
  /** What a read gives; undefined for a write, or when a server answers that is not the comparison's. */
  readonly value: bigint | undefined;
}

/** What the model says to a step. */
export type Expected =
  | { readonly kind: 'op'; readonly outcome: ProbeOutcome }
  | { readonly kind: 'look'; readonly accesses: readonly ExpectedAccess[]; readonly seen: readonly ProbedAccess[] }
  /** The step is not made: real Xen would not survive it, or a server that is not ours. */
  | { readonly kind: 'unsafe'; readonly why: string };

/** The real guest as the model has to begin with it. */
export interface GuestState {
  /** As `xl info` has it: `4.17.5`. */
  readonly xenVersion: string;
  readonly environment: 'hvm' | 'pvh';
  readonly vcpus: number;
  readonly controlPort: number;
}

/** Memory of the guest that nothing else uses: the comparison changes its types. */
export interface FrameArea {
  readonly gfn: number;
  readonly frames: number;
}

/** ISA lines that neither QEMU nor the guest uses. */
const harmlessLines = [5, 10, 11];

/**
 * The model in the place of a guest with our control server, and QEMU's server if it is an HVM guest. It goes on from one
 * sequence to the next, as the guest does.
 */
export class ModelledGuest {
  readonly domain: Domain;
  readonly #calls: DeviceModelCalls;
  /** Servers that the comparison must not touch. */
  readonly #foreign: ReadonlySet<number>;
  readonly #locals = new Map<number, number[]>();

  #area: FrameArea = { gfn: 0, frames: 0 };
  #isTracking = false;

  constructor({ xenVersion, environment, vcpus, controlPort }: GuestState) {
    this.domain = model(xenVersion).createDomain({ kind: environment, vcpus });
    this.#calls = this.domain.callsOf();
    const foreign = new Set<number>();
    if (environment === 'hvm') foreign.add(this.#serve(bufferedMode.atomic, 0xcf8, 0xcff));
    foreign.add(this.#serve(bufferedMode.off, controlPort, controlPort + 3));
    this.#foreign = foreign;
  }

  /** A server with a page, a range of ports, enabled. */
  #serve(mode: number, first: number, last: number): number {
    const id = this.#calls.createIoreqServer(mode);
    this.#calls.acquireResource(id, resourceFrame.ioreq);
    this.#calls.mapIoRange(id, rangeType.port, first, last);
    this.#calls.setIoreqServerState(id, 1);
    this.#bind(id);
    return id;
  }

  /** Makes a step. */
  run(step: Step): Expected {
    if (step.kind === 'look') {
      const seen: ProbedAccess[] = [];
      return { kind: 'look', accesses: step.accesses.map((access) => this.#look(access, seen)), seen };
    }
    const why = this.#dangerOf(step.op, step.args);
    if (why !== undefined) return { kind: 'unsafe', why };
    try {
      const values = callByName(this.#calls, step.op, step.args);
      const id = Number((step.args[0] ?? 0n) & 0xffffn);
      if (step.op === 'destroyIoreqServer') this.#unbind(id);
      if (step.op === 'setIoreqServerState' && step.args[1] !== 0n) this.#bind(id);
      return { kind: 'op', outcome: { ok: true, values } };
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      return { kind: 'op', outcome: { ok: false, errno: error.code } };
    }
  }

  /** A sequence begins, which has this memory. */
  begin(area: FrameArea): void {
    this.#area = area;
  }

  /**
   * The sequence is over: its servers are destroyed.
   *
   * @returns what else puts the real guest back, once its servers are gone too
   */
  end(): Extract<Step, { kind: 'op' }>[] {
    for (const { id } of this.domain.servers.all) {
      if (this.#foreign.has(id)) continue;
      this.#calls.destroyIoreqServer(id);
      this.#unbind(id);
    }
    const undo = this.#undo();
    for (const { op, args } of undo) callByName(this.#calls, op, args);
    this.#isTracking = false;
    return undo;
  }

  #undo(): Extract<Step, { kind: 'op' }>[] {
    const op = (name: ModelOp, ...args: (number | bigint)[]) =>
      ({ kind: 'op', op: name, args: args.map(BigInt) }) as const;
    const { memory, interrupts } = this.domain;
    const frames = Array.from({ length: this.#area.frames }, (_, i) => BigInt(this.#area.gfn + i));
    return [
      ...frames.filter((gfn) => memory.typeOf(gfn) === 'ioreq_server').map((gfn) => op('setMemType', 0, gfn, 1)),
      ...(this.#isTracking ? [op('trackDirtyVram', 0, 0)] : []),
      ...memory.pinned.map(({ start, end }) => op('pinMemoryCacheattr', start, end, 0xffff_ffff)),
      ...harmlessLines.filter((irq) => interrupts.isIsaAsserted(irq)).map((irq) => op('setIsaIrqLevel', irq, 0)),
      ...interrupts.pins.map(({ device, pin }) => op('setPciIntxLevel', 0, 0, device, pin, 0)),
    ];
  }

  /** Why real Xen, or what runs on it, would be harmed; undefined when all is well. */
  #dangerOf(op: ModelOp, args: readonly bigint[]): string | undefined {
    const [first = 0n, second = 0n, third = 0n, pin = 0n, level = 0n] = args;
    switch (op) {
      case 'createIoreqServer':
      case 'nrVcpus':
      case 'modifiedMemory':
      case 'pinMemoryCacheattr':
      case 'setPciLinkRoute':
        return undefined;
      case 'setIsaIrqLevel': {
        const irq = Number(first & 0xffn);
        return this.#bears((second & 0xffn) === 1n && irq <= 15, harmlessLines.includes(irq));
      }
      case 'setPciIntxLevel': {
        const isPin =
          (first & 0xffffn) === 0n && (second & 0xffn) === 0n && (third & 0xffn) <= 31n && (pin & 0xffn) <= 3n;
        return this.#bears((level & 0xffn) === 1n && isPin, (third & 0xffn) >= 0x10n);
      }
      case 'injectMsi':
        return this.#dangerOfMsi(first, second);
      case 'injectEvent':
        return first >= BigInt(this.domain.vcpus) ? undefined : 'the guest would get an exception';
      case 'remoteShutdown':
        return 'the guest would end';
      case 'setMemType':
        return this.#isOurs(second, third) || second >= 0x1_0000n ? undefined : 'memory of the guest';
      case 'trackDirtyVram':
        this.#isTracking = true;
        return this.#isOurs(first, second) || second === 0n || second > 32_768n ? undefined : 'memory of the guest';
      case 'relocateMemory':
        return first === 0n || second >= 0x1_0000n || (this.#isOurs(second, first) && this.#isOurs(third, first))
          ? undefined
          : 'memory of the guest';
      default:
        return this.#dangerOfServer(op, first, second);
    }
  }

  #dangerOfServer(op: ModelOp, first: bigint, second: bigint): string | undefined {
    const id = Number(first & 0xffffn);
    if (this.#foreign.has(id)) return 'the server is not ours';
    const server = this.domain.servers.get(id);
    if (server === undefined) return undefined;
    if (op === 'setIoreqServerState' && second !== 0n && !server.enabled) {
      // get_ioreq() of xen/common/ioreq.c follows a null pointer at the next access.
      if (server.ioreq === undefined) return 'enabled without a page';
      for (const page of [server.ioreq, server.buffered]) {
        if (page?.gfn !== undefined && this.domain.frame(page.gfn) === undefined) return 'a frame of two servers';
      }
    }
    // ioreq_server_alloc_pages() frees the frame of the guest that it refuses to replace; seen up to Xen 4.22.
    if (op === 'acquireResource' && server.ioreq?.gfn !== undefined) return 'a frame would be freed under the guest';
    return undefined;
  }

  /**
   * An interrupt line that is raised must be one that nobody cares for. A PVH guest has no PIC, and Xen does not look:
   * vpic_irq_positive_edge() then takes the first for the second and writes before it, over the pointer to the guest's
   * lines. Xen 4.20 panics; the code is the same from 4.14 to 4.22.
   */
  #bears(isRaised: boolean, isHarmless: boolean): string | undefined {
    if (!isRaised) return undefined;
    if (this.domain.kind === 'pvh') return 'Xen would panic';
    return isHarmless ? undefined : 'the guest would be interrupted';
  }

  /** Only what no vCPU is meant with, or what Xen refuses. */
  #dangerOfMsi(addr: bigint, data: bigint): string | undefined {
    const destination = (addr >> 12n) & 0xffn;
    if ((data & 0xffn) === 0n) {
      const pirq = BigInt.asUintN(32, (addr >> 32n) & 0xffff_ff00n) | destination;
      return pirq === 0n || pirq > 0xffffn ? undefined : 'the guest may have the pirq';
    }
    const mode = (data >> 8n) & 7n;
    const isLogical = (addr & 4n) !== 0n;
    return (mode === 0n && destination === 0xfen && !isLogical) || mode > 1n
      ? undefined
      : 'the guest would be interrupted';
  }

  #isOurs(gfn: bigint, frames: bigint): boolean {
    const { gfn: first, frames: count } = this.#area;
    return gfn >= BigInt(first) && frames > 0n && gfn + frames <= BigInt(first + count);
  }

  #bind(id: number): void {
    const server = this.domain.servers.get(id);
    if (server?.ioreq === undefined || this.#locals.has(id)) return;
    this.#locals.set(
      id,
      server.vcpus.map(({ port }) => this.domain.bind(port, () => undefined)),
    );
  }

  #unbind(id: number): void {
    for (const local of this.#locals.get(id) ?? []) this.domain.unbind(local);
    this.#locals.delete(id);
  }

  #look(access: Access, seen: ProbedAccess[]): ExpectedAccess {
    let isForeign = false;
    let progress = this.domain.startAccess(0, access);
    while (progress.kind === 'waiting') {
      for (const id of progress.servers) {
        const isOurs = !this.#foreign.has(id);
        const request = this.#answer(id);
        if (isOurs) seen.push({ server: id, vcpu: 0, request });
        else if (request.type !== ioreqType.invalidate) isForeign = true;
      }
      progress = this.domain.resume(0);
    }
    if (progress.kind !== 'done') throw new TypeError(`the model ends otherwise: ${progress.why}`);
    return { value: access.isRead && !isForeign ? progress.data : undefined };
  }

  #answer(id: number): Ioreq {
    const page = this.domain.servers.get(id)?.ioreq;
    const local = this.#locals.get(id)?.[0];
    if (page === undefined || local === undefined) throw new TypeError(`server ${id} has no page or no channel`);
    const slot = new IoreqSlot(page.bytes, 0);
    const request = slot.read();
    if (request.isRead && !request.dataIsPointer) slot.data = probeAnswer(id);
    slot.state = ioreqState.responseReady;
    this.domain.notify(local);
    return request;
  }
}
