import { ioreqState } from '../abi/ioreq.ts';
import { type Ioreq, IoreqSlot } from '../abi/ioreq-slot.ts';
import type { Addon } from '../xen/addon.ts';
import type { DmOpName } from '../xen/dm-op.ts';

/** One step of a probe: an operation, or `acquireResource` with a server's id and a frame. */
export interface ProbeStep {
  readonly op: DmOpName | 'acquireResource';
  readonly args: readonly bigint[];
}

/** What came of a step: what it gave, or the name of an errno; `XEN_FUNCTION_MISSING` when the host's library lacks it. */
export type ProbeOutcome =
  { readonly ok: true; readonly values: readonly bigint[] } | { readonly ok: false; readonly errno: string };

/** An access that came to a server of the probe. */
export interface ProbedAccess {
  /** Xen's id of the server. */
  readonly server: number;
  readonly vcpu: number;
  readonly request: Ioreq;
}

/** What a server of the probe answers every read with, by Xen's id: each byte tells who it was. */
export const probeAnswer = (server: number): bigint => 0x0101_0101_0101_0101n * BigInt(0xa0 + server);

interface Pages {
  /** The synchronous page, once there is one. */
  slots: readonly IoreqSlot[] | undefined;
  /** Our ends of the channels, by vCPU; empty until it was enabled with a page. */
  locals: number[];
  readonly resources: ArrayBuffer[];
  readonly frames: ArrayBuffer[];
}

/** How many looks at the slots in a row; between them the process does what else there is to do. */
const looks = 64;

/**
 * Makes operations on a guest exactly as they are given, and answers what comes to the servers that are made thereby,
 * each with a value of its own: for comparing Xen with its model. Looks at the slots instead of waiting for events.
 */
export class DmOpProbe {
  readonly #addon: Addon;
  readonly #vcpus: number;
  readonly #pages = new Map<number, Pages>();
  #seen: ProbedAccess[] = [];
  #isServing = false;

  constructor(addon: Addon, vcpus: number) {
    this.#addon = addon;
    this.#vcpus = vcpus;
  }

  /** Makes all steps, each whatever came of the ones before. */
  run(steps: readonly ProbeStep[]): ProbeOutcome[] {
    return steps.map((step) => {
      // Nobody may wait in a server that is to go.
      this.answer();
      try {
        return { ok: true, values: this.#make(step) };
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (typeof code !== 'string' || code.startsWith('ERR_')) throw error;
        return { ok: false, errno: code };
      }
    });
  }

  /** What has come since the last call. */
  takeSeen(): ProbedAccess[] {
    return this.#seen.splice(0);
  }

  /** Answers until `done` settles. */
  async serveUntil(done: Promise<unknown>): Promise<void> {
    if (this.#pages.size === 0) return;
    this.#isServing = true;
    const serve = (): void => {
      for (let i = 0; i < looks; i++) this.answer();
      if (this.#isServing) setImmediate(serve);
    };
    serve();
    const end = (): void => {
      this.#isServing = false;
    };
    await done.then(end, end);
  }

  /** Answers what waits in the slots now. */
  answer(): void {
    for (const [server, { slots, locals }] of this.#pages) {
      for (const [vcpu, local] of locals.entries()) {
        const slot = slots?.[vcpu];
        if (slot === undefined || slot.state !== ioreqState.ready) continue;
        const request = slot.read();
        this.#seen.push({ server, vcpu, request });
        if (request.isRead && !request.dataIsPointer) slot.data = probeAnswer(server);
        slot.state = ioreqState.responseReady;
        this.#addon.notifyPort(local);
      }
    }
  }

  /** Destroys what is left; the first failure is thrown at the end. */
  close(): void {
    const failures: unknown[] = [];
    for (const [server, pages] of this.#pages) {
      for (const step of [
        () => this.answer(),
        () => this.#addon.dmOp('destroyIoreqServer', [server]),
        () => this.#release(pages),
      ]) {
        try {
          step();
        } catch (error) {
          failures.push(error);
        }
      }
    }
    this.#pages.clear();
    this.#seen = [];
    if (failures.length > 0) throw failures[0];
  }

  #make({ op, args }: ProbeStep): readonly bigint[] {
    const [first = 0n, second = 0n] = args;
    if (op === 'acquireResource') return this.#acquire(Number(first), second);
    const id = Number(first & 0xffffn);
    if (op === 'destroyIoreqServer') {
      this.#addon.dmOp(op, args);
      const pages = this.#pages.get(id);
      this.#pages.delete(id);
      if (pages !== undefined) this.#release(pages);
      return [];
    }
    const values = this.#addon.dmOp(op, args);
    if (op === 'createIoreqServer') {
      this.#pages.set(Number(values[0]), { slots: undefined, locals: [], resources: [], frames: [] });
    }
    const pages = this.#pages.get(id);
    if (pages === undefined) return values;
    if (op === 'getIoreqServerInfo' && second !== 0n) this.#mapFrame(pages, Number(values[0]));
    if (op === 'setIoreqServerState' && second !== 0n) this.#bind(pages);
    return values;
  }

  #acquire(id: number, frame: bigint): readonly bigint[] {
    const page = this.#addon.mapResource(id, frame);
    const pages = this.#pages.get(id);
    if (pages === undefined) this.#addon.unmapResource(page);
    else {
      pages.resources.push(page);
      if (frame === 1n) pages.slots ??= this.#slotsOf(page);
    }
    return [];
  }

  /** Mapped while the frame is in the guest's memory: Xen takes it out when the server is enabled. */
  #mapFrame(pages: Pages, gfn: number): void {
    if (pages.slots !== undefined) return;
    const page = this.#addon.mapMemory(gfn, 1);
    pages.frames.push(page);
    pages.slots = this.#slotsOf(page);
  }

  #slotsOf(page: ArrayBuffer): IoreqSlot[] {
    return Array.from({ length: this.#vcpus }, (_, vcpu) => new IoreqSlot(page, vcpu));
  }

  /** Xen has filled in the ports. */
  #bind(pages: Pages): void {
    if (pages.slots === undefined || pages.locals.length > 0) return;
    for (const slot of pages.slots) pages.locals.push(this.#addon.bindPort(slot.vpEport));
  }

  #release(pages: Pages): void {
    for (const local of pages.locals.splice(0)) this.#addon.unbindPort(local);
    for (const page of pages.resources.splice(0)) this.#addon.unmapResource(page);
    for (const page of pages.frames.splice(0)) this.#addon.unmapMemory(page);
  }
}
