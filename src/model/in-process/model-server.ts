import { BufferedPage } from '../../abi/buffered-page.ts';
import { IoreqSlot, type Ioreq } from '../../abi/ioreq-slot.ts';
import { bufferedSlots, ioreqState, ioreqType, requestBit } from '../../abi/ioreq.ts';
import { serveCode, word } from '../../server/request.ts';
import { takeBuffered } from '../xen/buffered-ring.ts';
import { xenCall } from './call-error.ts';
import { traceOrigin, TraceRing } from './trace-ring.ts';
import { rangeKind, type EventChannels, type XenSide } from './xen-side.ts';

const allOnes = 0xffff_ffff_ffff_ffffn;

/** Nanoseconds: what stands for dom0's TSC in traces. */
const now = (): bigint => process.hrtime.bigint();

/** One ioreq server of the process's guest, step for step as src/native/server.c and hot_loop.c, in one thread. */
export class ModelServer {
  readonly id: number;
  readonly trace = new TraceRing();
  readonly words: Uint32Array<ArrayBuffer>;
  readonly #xen: XenSide;
  readonly #slots: readonly IoreqSlot[];
  readonly #ring: BufferedPage | undefined;
  readonly #channels: EventChannels;
  /** Our end of each vCPU's channel. */
  #ports: readonly number[] = [];
  readonly #isAdopted: boolean;
  #isEnabled = false;
  #isOpen = true;
  #isInterrupted = false;
  /** Where to look first: round robin, so that no vCPU starves. */
  #nextVcpu = 0;
  #taken:
    { readonly vcpu: number; readonly request: Ioreq; readonly at: bigint; readonly isBuffered: boolean } | undefined;

  /**
   * Creates the server, maps its page, opens the channels.
   *
   * @param words those of src/server/request.ts
   * @param adopted Xen's id of one that is there already
   */
  constructor(xen: XenSide, bufferedMode: number, words: Uint32Array<ArrayBuffer>, adopted?: number) {
    this.#xen = xen;
    this.words = words;
    this.#isAdopted = adopted !== undefined;
    this.id = adopted ?? xenCall('xendevicemodel_create_ioreq_server', () => xen.createIoreqServer(bufferedMode));
    try {
      const page = xenCall('xenforeignmemory_map_resource', () => xen.mapResource(this.id, 1));
      this.#slots = Array.from({ length: xen.vcpus }, (_, vcpu) => new IoreqSlot(page, vcpu));
      const ring =
        bufferedMode === 0 ? undefined : xenCall('xenforeignmemory_map_resource', () => xen.mapResource(this.id, 0));
      this.#ring = ring && new BufferedPage(ring);
      this.#channels = xen.openChannels();
    } catch (error) {
      xen.destroyIoreqServer(this.id);
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True when the hot call would come back at once: an event is pending, or the server was interrupted. */
  get hasWork(): boolean {
    return this.#isInterrupted || (this.#isOpen && this.#channels.hasPending);
  }

  mapRange(memory: boolean, start: number, end: number): void {
    const kind = memory ? rangeKind.memory : rangeKind.port;
    xenCall('xendevicemodel_map_io_range_to_ioreq_server', () => this.#xen.mapIoRange(this.id, kind, start, end));
  }

  unmapRange(memory: boolean, start: number, end: number): void {
    const kind = memory ? rangeKind.memory : rangeKind.port;
    xenCall('xendevicemodel_unmap_io_range_from_ioreq_server', () => this.#xen.unmapIoRange(this.id, kind, start, end));
  }

  mapPciFunction(sbdf: number): void {
    xenCall('xendevicemodel_map_pcidev_to_ioreq_server', () =>
      this.#xen.mapIoRange(this.id, rangeKind.pci, sbdf, sbdf),
    );
  }

  unmapPciFunction(sbdf: number): void {
    xenCall('xendevicemodel_unmap_pcidev_from_ioreq_server', () =>
      this.#xen.unmapIoRange(this.id, rangeKind.pci, sbdf, sbdf),
    );
  }

  /** Enables, then binds: Xen fills vp_eport only once the server is enabled. */
  enable(): void {
    if (this.#isEnabled) throw usage('enableServer: it is enabled already');
    xenCall('xendevicemodel_set_ioreq_server_state', () => this.#xen.setIoreqServerState(this.id, true));
    this.#isEnabled = true;
    this.#ports = this.#slots.map((slot) => {
      const { vpEport } = slot;
      const port = xenCall('xenevtchn_bind_interdomain', () => this.#channels.bindInterdomain(vpEport));
      // Its last device model may have died between the answer and the notification.
      if (this.#isAdopted && slot.state === ioreqState.responseReady) this.#channels.notify(port);
      return port;
    });
    if (this.#ring === undefined) return;
    const remote = xenCall('xendevicemodel_get_ioreq_server_info', () => this.#xen.bufferedPort(this.id));
    xenCall('xenevtchn_bind_interdomain', () => this.#channels.bindInterdomain(remote));
  }

  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** `serve_next` of hot_loop.c, but where that would block it comes back as if it were interrupted. */
  serve(): void {
    this.words[word.code] = this.#serveNext();
  }

  /** `serve_inherited`: only what the last device model of an adopted server had in hand. */
  serveInherited(): void {
    this.#answerTaken();
    const vcpu = this.#slots.findIndex(({ state }) => state === ioreqState.inProcess);
    if (vcpu >= 0) this.#take(vcpu);
    this.words[word.code] = vcpu >= 0 ? serveCode.request : serveCode.interrupted;
  }

  #serveNext(): number {
    this.#answerTaken();
    for (;;) {
      if (this.#isInterrupted) {
        this.#isInterrupted = false;
        return serveCode.interrupted;
      }
      if (!this.#isOpen) return serveCode.displaced;
      // What a vCPU wrote to the ring before it sent its request is handled first.
      if (this.#takeEntry()) return serveCode.request;
      const vcpu = this.#findReady();
      if (vcpu !== undefined) {
        this.#take(vcpu);
        return serveCode.request;
      }
      const port = this.#channels.pending();
      if (port === undefined) return serveCode.interrupted;
      this.#channels.unmask(port);
    }
  }

  /** The oldest entry of the ring, as a request. Pointers that make no sense empty it, and are counted. */
  #entry(): Ioreq | undefined {
    if (this.#ring === undefined) return undefined;
    if (this.#ring.used > bufferedSlots) {
      this.#ring.readPointer = this.#ring.writePointer;
      this.words[word.ringDamaged] = (this.words[word.ringDamaged] ?? 0) + 1;
    }
    const entry = takeBuffered(this.#ring);
    if (entry === undefined) return undefined;
    return { ...entry, addr: BigInt(entry.addr), count: 1, dataIsPointer: false, backwards: false };
  }

  #takeEntry(): boolean {
    const request = this.#entry();
    if (request === undefined) return false;
    this.#taken = { vcpu: 0, request, at: now(), isBuffered: true };
    this.#show(0, request, requestBit.buffered);
    return true;
  }

  #findReady(): number | undefined {
    const vcpus = this.#slots.length;
    for (let looked = 0; looked < vcpus; looked++) {
      const vcpu = (this.#nextVcpu + looked) % vcpus;
      if (this.#slots[vcpu]?.state === ioreqState.ready) return vcpu;
    }
    return undefined;
  }

  /** `slot_take`: copies a request once, and marks it INPROCESS. */
  #copy(vcpu: number): Ioreq {
    const slot = this.#slot(vcpu);
    const request = slot.read();
    slot.state = ioreqState.inProcess;
    return request;
  }

  #slot(vcpu: number): IoreqSlot {
    const slot = this.#slots[vcpu];
    if (slot === undefined) throw usage(`there is no vCPU ${vcpu}`);
    return slot;
  }

  #take(vcpu: number): void {
    const request = this.#copy(vcpu);
    this.#taken = { vcpu, request, at: now(), isBuffered: false };
    this.#nextVcpu = (vcpu + 1) % this.#xen.vcpus;
    this.#show(vcpu, request, 0);
  }

  /** Puts a request into the words. */
  #show(vcpu: number, request: Ioreq, bits: number): void {
    const { words } = this;
    words[word.vcpu] = vcpu;
    words[word.type] = request.type;
    words[word.bits] = bitsOf(request) | bits;
    words[word.size] = request.size;
    words[word.count] = request.count;
    words[word.addrLow] = Number(request.addr & 0xffff_ffffn);
    words[word.addrHigh] = Number(request.addr >> 32n);
    words[word.dataLow] = Number(request.data & 0xffff_ffffn);
    words[word.dataHigh] = Number(request.data >> 32n);
    words[word.answerLow] = 0xffff_ffff;
    words[word.answerHigh] = 0xffff_ffff;
  }

  #answerTaken(): void {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#taken = undefined;
    if (taken.isBuffered) return this.#record(taken.request, taken.at, traceOrigin.handler);
    const { words } = this;
    const answer = (BigInt(words[word.answerHigh] ?? 0) << 32n) | BigInt(words[word.answerLow] ?? 0);
    this.#answer(taken.vcpu, taken.request, answer, taken.at, traceOrigin.handler);
  }

  /** `server_answer` of server.c: trace, data, IORESP_READY, and only then the event. */
  #answer(vcpu: number, request: Ioreq, answer: bigint, takenAt: bigint, origin: number): void {
    const slot = this.#slot(vcpu);
    const wantsData = request.isRead && !request.dataIsPointer;
    if (wantsData) slot.data = answer;
    this.trace.add(vcpu, request, bitsOf(request), {
      answer: wantsData ? answer : request.data,
      takenAt,
      answeredAt: now(),
      origin,
    });
    slot.state = ioreqState.responseReady;
    const port = this.#ports[vcpu];
    if (port !== undefined) this.#channels.notify(port);
  }

  /** An entry of the ring has no answer. */
  #record(request: Ioreq, takenAt: bigint, origin: number): void {
    const bits = bitsOf(request) | requestBit.buffered;
    this.trace.add(0, request, bits, { answer: request.data, takenAt, answeredAt: now(), origin });
  }

  /** Empties the ring, and answers what is open with all ones. */
  #answerOpen(origin: number): void {
    for (let entry = this.#entry(); entry !== undefined; entry = this.#entry()) this.#record(entry, now(), origin);
    for (const vcpu of this.#ports.keys()) {
      const { state } = this.#slot(vcpu);
      if (state !== ioreqState.ready && state !== ioreqState.inProcess) continue;
      this.#answer(vcpu, this.#copy(vcpu), allOnes, now(), origin);
    }
  }

  /** Disables, then answers what was sent until now. */
  stop(): void {
    if (!this.#isEnabled) return;
    this.#isEnabled = false;
    try {
      xenCall('xendevicemodel_set_ioreq_server_state', () => this.#xen.setIoreqServerState(this.id, false));
    } finally {
      this.#answerOpen(traceOrigin.closing);
    }
  }

  /** The orderly end, all the way; throws the first failure. */
  close(): void {
    if (!this.#isOpen) return;
    const failures: unknown[] = [];
    const attempt = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        failures.push(error);
      }
    };
    attempt(() => this.stop());
    attempt(() => xenCall('xendevicemodel_destroy_ioreq_server', () => this.#xen.destroyIoreqServer(this.id)));
    this.#channels.close();
    this.#isOpen = false;
    this.#taken = undefined;
    if (failures.length > 0) throw failures[0];
  }

  /** For the control server: takes every READY request, and hands over those that are questions. */
  takeQuestions(asked: (vcpu: number) => void): void {
    for (let port = this.#channels.pending(); port !== undefined; port = this.#channels.pending()) {
      this.#channels.unmask(port);
      for (const vcpu of this.#ports.keys()) {
        if (this.#isOpen && this.#slot(vcpu).state === ioreqState.ready) this.#takeQuestion(vcpu, asked);
      }
    }
  }

  /** Of an adopted server: whoever died with a question in hand has left it INPROCESS. */
  askAgain(asked: (vcpu: number) => void): void {
    if (!this.#isAdopted) return;
    for (const vcpu of this.#ports.keys()) {
      if (this.#slot(vcpu).state === ioreqState.inProcess) this.#takeQuestion(vcpu, asked);
    }
  }

  #takeQuestion(vcpu: number, asked: (vcpu: number) => void): void {
    const request = this.#copy(vcpu);
    if (isQuestion(request)) asked(vcpu);
    else this.#answer(vcpu, request, allOnes, now(), traceOrigin.handler);
  }

  /** Answers a vCPU whose question was taken. */
  answerQuestion(vcpu: number, value: number): boolean {
    if (vcpu >= this.#ports.length || this.#slot(vcpu).state !== ioreqState.inProcess) return false;
    this.#answer(vcpu, this.#copy(vcpu), BigInt(value), now(), traceOrigin.handler);
    return true;
  }
}

/** `is_question` of src/native/control.c. */
function isQuestion({ type, isRead, dataIsPointer, count }: Ioreq): boolean {
  return type === ioreqType.pio && isRead && !dataIsPointer && count === 1;
}

/** Of {@link word.bits} and of a trace record. */
function bitsOf({ isRead, dataIsPointer, backwards }: Ioreq): number {
  return (
    (isRead ? requestBit.read : 0) |
    (dataIsPointer ? requestBit.dataIsPointer : 0) |
    (backwards ? requestBit.backwards : 0)
  );
}

/** What the native addon throws for a call that makes no sense. */
export function usage(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
}
