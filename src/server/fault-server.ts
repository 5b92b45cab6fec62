import { setTimeout as sleep } from 'node:timers/promises';
import { BufferedPage } from '../abi/buffered-page.ts';
import { ioreqState } from '../abi/ioreq.ts';
import { IoreqSlot } from '../abi/ioreq-slot.ts';
import { bufferedMode, type Addon } from '../xen/addon.ts';
import { faultAnswer, type FaultSeen, type FaultSetup, type FaultStep, type SlotField } from './fault-step.ts';

/** How long an `await` may take. */
const awaitMs = 2_000;
/** Looks at the slots in a row; between them the process does what else there is to do. */
const looks = 64;
/** After so many rows that found nothing it looks every millisecond only. */
const patience = 20;

/**
 * An ioreq server that does with its requests what it is told, whatever Xen will say to it: for tests of Xen. Without the
 * native loop and its watchdog; it looks at the slots instead of waiting for events. Main thread.
 */
export class FaultServer {
  readonly #addon: Addon;
  readonly #vcpus: number;
  readonly #id: number;
  readonly #locals: number[] = [];
  readonly #scripts: (readonly FaultStep[])[];
  /** Of vCPUs whose request a script is working on, or has left as it is. */
  readonly #taken = new Set<number>();
  readonly #working = new Set<Promise<unknown>>();
  #page: ArrayBuffer | undefined;
  #ring: ArrayBuffer | undefined;
  #seen: FaultSeen[] = [];
  /** What steps of scripts threw. */
  readonly #failures: unknown[] = [];
  #isOpen = true;
  /** Rows of looks that found nothing. */
  #idle = 0;

  constructor(addon: Addon, vcpus: number, { ranges, buffered = 'off', scripts }: FaultSetup) {
    this.#addon = addon;
    this.#vcpus = vcpus;
    this.#scripts = [...scripts];
    this.#id = Number(addon.dmOp('createIoreqServer', [bufferedMode[buffered]])[0]);
    this.#page = addon.mapResource(this.#id, 1);
    if (buffered !== 'off') this.#ring = addon.mapResource(this.#id, 0);
    this.#enable(true);
    // Xen has filled in the ports.
    for (let vcpu = 0; vcpu < vcpus; vcpu++) this.#locals.push(addon.bindPort(this.#slot(vcpu).vpEport));
    for (const { kind, start, end } of ranges) {
      addon.dmOp('mapIoRange', [this.#id, kind === 'memory' ? 1 : 0, start, end]);
    }
    this.#serve();
  }

  /** Makes steps on a vCPU's slot, without a request. */
  async make(vcpu: number, steps: readonly FaultStep[]): Promise<void> {
    await this.#work(vcpu, steps, undefined);
  }

  /** What has come since the last call, in the order in which its steps ended. @throws what a step threw */
  async takeSeen(): Promise<FaultSeen[]> {
    await Promise.allSettled(this.#working);
    if (this.#failures.length > 0) throw this.#failures.shift();
    return this.#seen.splice(0);
  }

  /** Answers what waits, and destroys the server. The first failure is thrown at the end: the guest may be gone. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await Promise.allSettled(this.#working);
    const failures: unknown[] = [];
    const attempt = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        failures.push(error);
      }
    };
    attempt(() => (this.#page ??= this.#addon.mapResource(this.#id, 1)));
    attempt(() => this.#enable(false));
    for (let vcpu = 0; vcpu < this.#vcpus; vcpu++) {
      attempt(() => {
        const { state } = this.#slot(vcpu);
        if (state === ioreqState.ready || state === ioreqState.inProcess) this.#answer(vcpu, faultAnswer);
        this.#notify(vcpu);
      });
    }
    // The vCPUs take their answers before their server is gone: nobody wakes them afterwards.
    await sleep(5);
    attempt(() => void this.#addon.dmOp('destroyIoreqServer', [this.#id]));
    for (const local of this.#locals) attempt(() => this.#addon.unbindPort(local));
    for (const page of [this.#page, this.#ring]) attempt(() => page && this.#addon.unmapResource(page));
    if (failures.length > 0) throw failures[0];
  }

  #serve(): void {
    if (!this.#isOpen) return;
    this.#idle++;
    for (let i = 0; i < looks; i++) this.#look();
    if (this.#idle > patience) setTimeout(() => this.#serve(), 1);
    else setImmediate(() => this.#serve());
  }

  #look(): void {
    for (let vcpu = 0; vcpu < this.#vcpus && this.#page !== undefined; vcpu++) {
      const slot = this.#slot(vcpu);
      const { state } = slot;
      if (state === ioreqState.none) this.#taken.delete(vcpu);
      if (state !== ioreqState.ready || this.#taken.has(vcpu)) continue;
      this.#idle = 0;
      const { addr, data, size, isRead } = slot.read();
      this.#taken.add(vcpu);
      const script = this.#scripts.shift() ?? [{ do: 'answer', data: faultAnswer }, { do: 'notify' }];
      void this.#work(vcpu, script, { addr, data, size, isRead }).catch((error: unknown) => this.#failures.push(error));
    }
  }

  #work(vcpu: number, steps: readonly FaultStep[], request: FaultSeen['request']): Promise<void> {
    const work = async (): Promise<void> => {
      const states: number[] = [];
      for (const step of steps) {
        const made = this.#step(vcpu, step, states);
        // Whole scripts without a wait are done before anybody else has a say.
        if (made !== undefined) await made;
      }
      this.#seen.push({ vcpu, states, ...(request && { request }) });
    };
    const working = work();
    this.#working.add(working);
    const done = (): void => void this.#working.delete(working);
    void working.finally(done).catch(() => undefined); // thrown to who waits for it
    return working;
  }

  #step(vcpu: number, step: FaultStep, states: number[]): Promise<unknown> | undefined {
    switch (step.do) {
      case 'state':
        this.#slot(vcpu).state = step.state;
        if (step.state === ioreqState.none) this.#taken.delete(vcpu);
        return undefined;
      case 'field':
        this.#write(vcpu, step.field, step.value);
        return undefined;
      case 'answer':
        this.#answer(vcpu, step.data);
        return undefined;
      case 'notify':
        for (let i = 0; i < (step.times ?? 1); i++) this.#notify(step.vcpu ?? vcpu);
        return undefined;
      case 'wait':
        return sleep(step.ms);
      case 'await':
        return this.#awaitState(vcpu, step.state);
      case 'look':
        states.push(this.#slot(vcpu).state);
        return undefined;
      case 'unmap':
        if (this.#page !== undefined) this.#addon.unmapResource(this.#page);
        this.#page = undefined;
        return undefined;
      case 'map':
        this.#page ??= this.#addon.mapResource(this.#id, 1);
        return undefined;
      case 'ring': {
        if (this.#ring === undefined) throw new Error('the server has no ring');
        const ring = new BufferedPage(this.#ring);
        if (step.read !== undefined) ring.readPointer = step.read;
        if (step.write !== undefined) ring.writePointer = step.write;
        states.push(ring.readPointer, ring.writePointer);
        return undefined;
      }
      case 'enable':
        this.#enable(step.isEnabled);
        return undefined;
      case 'die':
        process.kill(process.pid, 'SIGKILL');
        for (;;); // until the signal is there
    }
  }

  async #awaitState(vcpu: number, state: number): Promise<void> {
    for (const start = performance.now(); performance.now() - start < awaitMs;) {
      if (this.#slot(vcpu).state === state) return;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  #answer(vcpu: number, data: bigint): void {
    const slot = this.#slot(vcpu);
    slot.data = data;
    slot.state = ioreqState.responseReady;
    // READY is another request from now on; NONE in between may be too short to be seen.
    this.#taken.delete(vcpu);
  }

  #write(vcpu: number, field: SlotField, value: bigint): void {
    const slot = this.#slot(vcpu);
    switch (field) {
      case 'vpEport':
        slot.vpEport = Number(value);
        return;
      case 'addr':
      case 'data':
        slot.write({ ...slot.read(), [field]: value });
        return;
      case 'count':
      case 'size':
      case 'type':
        slot.write({ ...slot.read(), [field]: Number(value) });
        return;
      default:
        slot.write({ ...slot.read(), [field]: value !== 0n });
    }
  }

  #notify(vcpu: number): void {
    const local = this.#locals[vcpu];
    if (local !== undefined) this.#addon.notifyPort(local);
  }

  #enable(isEnabled: boolean): void {
    this.#addon.dmOp('setIoreqServerState', [this.#id, isEnabled ? 1 : 0]);
  }

  #slot(vcpu: number): IoreqSlot {
    if (this.#page === undefined) throw new Error('the page is not mapped');
    return new IoreqSlot(this.#page, vcpu);
  }
}
