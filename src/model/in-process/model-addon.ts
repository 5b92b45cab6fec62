import { bufferedMode, type Addon, type MissingFunction, type ServerHandle } from '../../xen/addon.ts';
import type { LabError } from '../../errors.ts';
import { serveCode, word } from '../../server/request.ts';
import type { DmOpName } from '../../xen/dm-op.ts';
import { callError, xenCall } from './call-error.ts';
import { ModelServer, usage } from './model-server.ts';
import { notOnModel } from './not-on-model.ts';
import type { XenSide } from './xen-side.ts';

/** What devices have asked Xen for. */
export interface InterruptsSeen {
  /** By ISA interrupt, 0 to 15, whether its line is high. */
  readonly isa: Map<number, boolean>;
  /** The same by `device.line` of bus 0; line 0 is INTA#. */
  readonly intx: Map<string, boolean>;
  /** Message-signalled interrupts, in their order. */
  readonly messages: { readonly address: number; readonly data: number }[];
}

/** Operations that change nothing but servers that are served here; all others are for comparing Xen with its model. */
const servedOps: readonly DmOpName[] = [
  ...(['mapIoRange', 'unmapIoRange', 'mapPcidev', 'unmapPcidev', 'setIoreqServerState'] as const),
];

/** `MAX_SERVERS` of src/native/server.h. */
const maxServers = 8;

/**
 * The native addon over a model of Xen instead of libxen*: the same calls, the same order of steps, the same words and
 * traces, so that all that stands on an {@link Addon} runs without Xen. One thread: what waits in the native addon comes
 * back here, and whoever lets the guest run lets the servers run too ({@link ModelAddon.hasWork} says which).
 *
 * There is no watchdog, which takes a second thread: a handler that does not return does not return.
 */
export class ModelAddon implements Addon {
  readonly #xen: XenSide;
  readonly #servers: (ModelServer | undefined)[] = [];
  /** By handle: they outlive the server, as in the native addon. */
  readonly #words: readonly Uint32Array<ArrayBuffer>[] = Array.from({ length: maxServers }, () => new Uint32Array(16));
  /** Frames that are mapped, and how often. */
  readonly #mapped = new Map<ArrayBufferLike, number>();
  /** What devices have asked for: the guest of the model has no interrupt controllers that it would go to. */
  readonly interrupts: InterruptsSeen = { isa: new Map(), intx: new Map(), messages: [] };
  /** What was asked for and is not on the model, in its order: whoever asked may have made something else of it. */
  readonly limits: LabError[] = [];
  /** Servers that answer everything with one value. */
  readonly #constants = new Map<ModelServer, number>();
  #hasIsaInterrupts = false;
  #isOpen = false;
  #control: { readonly server: ModelServer; readonly asked: (vcpu: number) => void } | undefined;

  constructor(xen: XenSide) {
    this.#xen = xen;
  }

  missing(): MissingFunction[] {
    return [];
  }

  open(domid: number, vcpus: number): void {
    if (this.#isOpen) throw usage('open: this process has its guest already');
    if (domid !== this.#xen.domid) throw callError('xendevicemodel_open', 'ESRCH');
    if (vcpus !== this.#xen.vcpus) throw usage(`open: the guest has ${this.#xen.vcpus} vCPUs`);
    this.#isOpen = true;
  }

  nrVcpus(): number {
    return this.#xen.vcpus;
  }

  shutdown(reason: number): void {
    xenCall('xendevicemodel_shutdown', () => this.#xen.shutdown(reason));
  }

  createServer(buffered?: number, lanePerVcpu?: boolean): ServerHandle {
    return this.#open(undefined, buffered, lanePerVcpu);
  }

  serversOf(domid: number): number[] {
    return domid === this.#xen.domid ? this.#xen.serversOfDom0() : [];
  }

  adoptServer(xenId: number, buffered?: number, lanePerVcpu?: boolean): ServerHandle {
    return this.#open(xenId, buffered, lanePerVcpu);
  }

  #open(adopted: number | undefined, buffered: number = bufferedMode.off, lanePerVcpu = false): ServerHandle {
    if (lanePerVcpu) throw this.#not('a worker for each vCPU');
    if (!this.#isOpen) throw usage('open() was not called');
    for (let handle = 0; handle < maxServers; handle++) {
      const words = this.#words[handle];
      if (this.#servers[handle]?.isOpen === true || words === undefined) continue;
      words.fill(0);
      this.#servers[handle] = new ModelServer(this.#xen, buffered, words, adopted);
      return handle;
    }
    throw callError('createServer', 'ENOSPC');
  }

  laneCount(server: ServerHandle): number {
    this.#server(server);
    return 1;
  }

  serverId(server: ServerHandle): number {
    return this.#server(server).id;
  }

  mapRange(server: ServerHandle, memory: boolean, start: number, end: number): void {
    this.#server(server).mapRange(memory, start, end);
  }

  unmapRange(server: ServerHandle, memory: boolean, start: number, end: number): void {
    this.#server(server).unmapRange(memory, start, end);
  }

  mapPciFunction(server: ServerHandle, sbdf: number): void {
    this.#server(server).mapPciFunction(sbdf);
  }

  unmapPciFunction(server: ServerHandle, sbdf: number): void {
    this.#server(server).unmapPciFunction(sbdf);
  }

  enableServer(server: ServerHandle, _watched: boolean): void {
    this.#server(server).enable();
  }

  stopServer(server: ServerHandle): void {
    this.#server(server).stop();
  }

  closeServer(server: ServerHandle): void {
    this.#server(server).close();
  }

  interruptServer(server: ServerHandle): void {
    this.#server(server).interrupt();
  }

  /** Makes no difference: nobody waits. */
  setWaiting(server: ServerHandle, _mode: number, _cycles: number): void {
    this.#server(server);
  }

  requestWords(server: ServerHandle): ArrayBuffer {
    return this.#server(server).words.buffer;
  }

  bindServe(server: ServerHandle): () => void {
    this.#server(server);
    // By handle, as in the native addon: a server that is created later in its place is served by the same function.
    return () => this.#servers[server]?.serve();
  }

  bindInherited(server: ServerHandle): () => void {
    this.#server(server);
    return () => this.#servers[server]?.serveInherited();
  }

  /** The thread of the native addon takes its turns in {@link turnConstants}. */
  startConstant(server: ServerHandle, value: number): void {
    this.#constants.set(this.#server(server), value);
  }

  startReference(): void {
    throw this.#not('the yardstick in C');
  }

  /** There is nothing to give up: no handle, no root. */
  noNewPrivileges(): void {}

  restrictProcess(): void {
    throw this.#not('giving up privileges');
  }

  probePrivilege(): Record<string, number> {
    throw this.#not('privileges');
  }

  readTrace(server: ServerHandle): ArrayBuffer {
    return this.#server(server).trace.read();
  }

  /** Nothing is watched. */
  startWatchdog(): void {}

  watchdogFired(server: ServerHandle): boolean {
    this.#server(server);
    return false;
  }

  watchControl(server: ServerHandle, asked: (vcpu: number) => void): void {
    if (this.#control !== undefined) throw usage('watchControl: a server is watched already');
    this.#control = { server: this.#server(server), asked };
    this.#control.server.askAgain(asked);
  }

  unwatchControl(): void {
    this.#control = undefined;
  }

  answerControl(server: ServerHandle, vcpu: number, value: number): boolean {
    return this.#server(server).answerQuestion(vcpu, value);
  }

  /** The frame itself, not a copy; one at a time, since an ArrayBuffer cannot be made of several. */
  mapMemory(gfn: number, frames: number): ArrayBuffer {
    if (frames !== 1) throw this.#not('a mapping of several frames in one piece');
    const buffer = this.#xen.frame(gfn);
    if (buffer === undefined) throw callError('xenforeignmemory_map', 'EINVAL');
    this.#mapped.set(buffer, (this.#mapped.get(buffer) ?? 0) + 1);
    return buffer;
  }

  /** Unlike the native addon's, the buffer is not detached: it is the guest's memory. */
  unmapMemory(buffer: ArrayBuffer): void {
    const times = this.#mapped.get(buffer);
    if (times === undefined) throw usage('unmapMemory: expected what mapMemory returned');
    if (times === 1) this.#mapped.delete(buffer);
    else this.#mapped.set(buffer, times - 1);
  }

  stopRecording(): void {
    throw this.#not('measuring');
  }

  showClock(): number {
    throw this.#not('measuring');
  }

  /** Nothing follows: the model does not migrate. */
  modifiedMemory(): void {}

  allowIsaInterrupts(): void {
    this.#hasIsaInterrupts = true;
  }

  hasIsaInterrupts(): boolean {
    return this.#hasIsaInterrupts;
  }

  setIsaIrqLevel(irq: number, level: number): void {
    this.#needIsa();
    xenCall('xendevicemodel_set_isa_irq_level', () => this.#xen.setIsaIrqLevel(irq, level));
    this.interrupts.isa.set(irq, level === 1);
  }

  setPciIntxLevel(device: number, line: number, level: number): void {
    xenCall('xendevicemodel_set_pci_intx_level', () => this.#xen.setPciIntxLevel(device, line, level));
    this.interrupts.intx.set(`${device}.${line}`, level === 1);
  }

  setPciLinkRoute(link: number, irq: number): void {
    this.#needIsa();
    xenCall('xendevicemodel_set_pci_link_route', () => this.#xen.setPciLinkRoute(link, irq));
  }

  injectMsi(address: number, data: number): void {
    xenCall('xendevicemodel_inject_msi', () => this.#xen.injectMsi(address, data));
    this.interrupts.messages.push({ address, data });
  }

  #needIsa(): void {
    if (!this.#hasIsaInterrupts) throw usage('the guest has no ISA interrupts: Xen would crash');
  }

  injectEvent(): void {
    throw this.#not('an event for a vCPU');
  }

  dmOp(op: DmOpName, args: readonly (number | bigint)[]): bigint[] {
    if (!servedOps.includes(op)) throw this.#not(`the operation ${op}`);
    return xenCall(op, () => this.#xen.dmOp(op, args.map(BigInt)));
  }

  mapResource(): ArrayBuffer {
    throw this.#not('comparing Xen with its model');
  }

  unmapResource(): void {
    throw this.#not('comparing Xen with its model');
  }

  bindPort(): number {
    throw this.#not('comparing Xen with its model');
  }

  unbindPort(): void {
    throw this.#not('comparing Xen with its model');
  }

  notifyPort(): void {
    throw this.#not('comparing Xen with its model');
  }

  #not(what: string): LabError {
    const error = notOnModel(what);
    this.limits.push(error);
    return error;
  }

  /** Frames that have not been given back. */
  get mappedFrames(): number {
    return this.#mapped.size;
  }

  /** True when a server's thread would come back from its wait. */
  hasWork(server: ServerHandle): boolean {
    return this.#servers[server]?.hasWork === true;
  }

  /** Lets the servers answer that answer everything with one value; true if there was one that had to. */
  turnConstants(): boolean {
    let hasTurned = false;
    for (const [server, value] of this.#constants) {
      if (!server.isOpen) this.#constants.delete(server);
      else if (server.hasWork) {
        hasTurned = true;
        server.serve();
        while (server.words[word.code] === serveCode.request) {
          server.words[word.answerLow] = value % 2 ** 32;
          server.words[word.answerHigh] = Math.floor(value / 2 ** 32);
          server.serve();
        }
      }
    }
    return hasTurned;
  }

  /** Calls back for each vCPU that has read the control port since; true if there was an event. */
  turnControl(): boolean {
    const control = this.#control;
    if (control?.server.hasWork !== true) return false;
    control.server.takeQuestions(control.asked);
    return true;
  }

  #server(handle: ServerHandle): ModelServer {
    const server = this.#servers[handle];
    if (server?.isOpen !== true) throw usage('no such server');
    return server;
  }
}
