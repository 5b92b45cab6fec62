import { ioreqType } from '../../abi/ioreq.ts';
import type { Device } from '../../device/define-device.ts';
import { LabError } from '../../errors.ts';
import { GuestMemory } from '../../server/guest-memory.ts';
import {
  execute,
  handlingOf,
  rulesOf,
  type Answer,
  type Cpu,
  type Instruction,
  type IoRequest,
  type OracleRules,
} from '../oracle/index.ts';
import type { OracleVersion, Outcome, World } from '../oracle/index.ts';
import { bufferedMode } from '../xen/buffered-ring.ts';
import type { Domain, Progress } from '../xen/domain.ts';
import { model } from '../xen/hypervisor.ts';
import { GuestRam } from './guest-ram.ts';
import { InlineWorkers } from './inline-workers.ts';
import { ModelAddon } from './model-addon.ts';
import { notOnModel } from './not-on-model.ts';
import type { Seams, Send } from './seams.ts';
import { ModelXenSide } from './model-xen-side.ts';

/** A guest of the model, and what it is to be like. */
export interface InProcessOptions {
  /** The version of Xen: a branch for which the oracle has rules. */
  readonly xen: OracleVersion;
  /** `hvm`: QEMU has a server, as it has on a host; it owns nothing. `pvh`: there is none. */
  readonly environment: 'hvm' | 'pvh';
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** Finds a device by its name: in a process of dom0, the registry. */
  readonly deviceNamed: (name: string) => Device;
  /** For tests of tests. */
  readonly seams?: Seams;
}

/** hvm_print_line's port, which reads as its own number. */
const debugConsole = 0xe9n;

/** How often devices may be let go on before an access counts as one that nobody answers. */
const maxTurns = 10_000;

/**
 * A guest in one thread with its device models, and the model as their Xen: what runs in dom0 runs here over `addon` and
 * `workers`, unchanged (ServerHost, Dispatcher, GuestMemory, devices). An access of the guest comes back when it is
 * answered.
 */
export class InProcess {
  readonly domid: number;
  readonly vcpus: number;
  readonly addon: ModelAddon;
  /** The guest's memory, as dom0 sees it. */
  readonly memory: GuestMemory;
  readonly #domain: Domain;
  readonly #ram: GuestRam;
  readonly #rules: OracleRules;
  readonly #environment: 'hvm' | 'pvh';
  /** Where servers get the turns in which they serve. */
  readonly workers: InlineWorkers;
  readonly #send: Send;
  #isInAccess = false;

  constructor({ xen, environment, vcpus, memoryMiB, deviceNamed, seams = {} }: InProcessOptions) {
    this.#domain = model(xen).createDomain({ kind: environment, vcpus });
    this.#ram = new GuestRam(memoryMiB * 2 ** 20, environment === 'hvm');
    this.#rules = rulesOf(xen);
    this.#environment = environment;
    this.domid = this.#domain.domid;
    this.vcpus = vcpus;
    const side = new ModelXenSide(this.#domain, this.#ram);
    // QEMU is there before us, and with it a server: ours begin at the next id.
    if (environment === 'hvm') createQemuServer(this.#domain);
    this.addon = new ModelAddon(seams.xen?.(side) ?? side);
    this.memory = new GuestMemory(this.addon);
    this.workers = new InlineWorkers(this.addon, (name) => {
      const device = deviceNamed(name);
      return seams.device?.(device) ?? device;
    });
    const send: Send = (vcpu, request) => this.#sendOne(vcpu, request);
    this.#send = seams.send?.(send) ?? send;
  }

  /** Executes an instruction on a vCPU; `cpu` is changed as far as it came. */
  execute(vcpu: number, cpu: Cpu, instruction: Instruction): Outcome {
    return execute(instruction, cpu, this.#worldOf(vcpu), this.#rules);
  }

  /** Has a vCPU read a port, for which it may wait as long as it takes: see {@link answerOf}. */
  ask(vcpu: number, port: number): void {
    this.#domain.startAccess(vcpu, { type: 'pio', addr: port, size: 4, isRead: true });
    this.turn();
  }

  /** What the read of {@link ask} gave; undefined while it waits. */
  answerOf(vcpu: number): number | undefined {
    const progress = this.#domain.resume(vcpu);
    return progress.kind === 'done' ? Number(progress.data) : undefined;
  }

  #worldOf(vcpu: number): World {
    const ram = this.#ram;
    return {
      isRam: (address) => ram.has(Number(address >> 12n)),
      readRam: (address, length) => ram.bytes(address, length).slice(),
      writeRam: (address, bytes) => ram.bytes(address, bytes.length).set(bytes),
      send: (request) => this.#send(vcpu, request),
    };
  }

  /** A request's way: to a server and back, or to nobody. */
  #sendOne(vcpu: number, request: IoRequest): Answer {
    if (this.#isInAccess) {
      throw new LabError('a handler made an access of the guest: it is the guest who waits for the handler', {
        blame: 'deviceModel',
        code: 'ACCESS_IN_HANDLER',
      });
    }
    this.#isInAccess = true;
    try {
      const taken = this.#intercept(request);
      if (taken !== undefined) return taken;
      // A handler of Xen's that lets go of a batch lets go of one repetition at a time (hvm_process_io_intercept).
      const isCut = handlingOf(request, this.#environment, this.#rules) === 'passedOn';
      const passedOn = isCut ? { ...request, count: 1 } : request;
      return this.#finish(passedOn, this.#progress(vcpu, passedOn));
    } finally {
      this.#isInAccess = false;
    }
  }

  /** Xen's own handlers (hvm_io_intercept), as far as they are in the model: undefined when the access goes on. */
  #intercept(request: IoRequest): Answer | undefined {
    const { address, isRead, count } = request;
    const handling = handlingOf(request, this.#environment, this.#rules);
    if (handling === 'crash') return 'crashed';
    if (handling === 'buffered') return this.#buffer(request);
    if (handling !== 'taken' && handling !== 'depends') return undefined;
    if (request.type === ioreqType.pio && address === debugConsole) {
      return { data: isRead ? debugConsole : 0n, count, isFromServer: false };
    }
    throw notOnModel(`what Xen itself emulates at 0x${address.toString(16)}`);
  }

  /** A write of video memory: into the ring of its server, and no vCPU waits. Undefined when it goes on as others do. */
  #buffer({ address: addr, ...rest }: IoRequest): Answer | undefined {
    const selected = this.#domain.servers.select({ ...rest, addr }, 0);
    if (selected === undefined || this.#domain.sendBuffered(selected.server, selected.request) === 'refused') {
      return undefined;
    }
    return { data: 0n, count: rest.count, isFromServer: false };
  }

  #progress(vcpu: number, request: IoRequest): Progress {
    const { address: addr, ...rest } = request;
    let progress = this.#domain.startAccess(vcpu, {
      ...rest,
      addr,
      type: request.type === ioreqType.pio ? 'pio' : 'copy',
    });
    for (let turns = 0; progress.kind === 'waiting'; turns++) {
      if (turns === maxTurns || !this.turn()) throw this.#blocked(vcpu, request, progress.servers);
      progress = this.#domain.resume(vcpu);
    }
    return progress;
  }

  /** Lets the device models go on. False when none of them had anything to do. */
  turn(): boolean {
    const turns = [this.workers.turn(), this.addon.turnConstants(), this.addon.turnControl()];
    return turns.includes(true);
  }

  #finish(request: IoRequest, progress: Progress): Answer {
    switch (progress.kind) {
      case 'done':
        if (progress.server === undefined && request.isRead && request.dataIsPointer) this.#fillOnes(request);
        return { data: progress.data, count: request.count, isFromServer: progress.server !== undefined };
      case 'fault':
        return 'unhandled';
      case 'crashed':
        return 'crashed';
      case 'waiting':
        throw new Error('unreachable: an access that waits');
    }
  }

  /** Xen's null handler for a read with data_is_ptr: all ones, into the guest's memory. */
  #fillOnes({ data, size, count, backwards }: IoRequest): void {
    for (let i = 0n; i < count; i++) {
      const at = data + (backwards ? -i : i) * BigInt(size);
      for (let byte = 0n; byte < size; byte++) {
        if (this.#ram.has(Number((at + byte) >> 12n))) this.#ram.bytes(at + byte, 1).fill(0xff);
      }
    }
  }

  #blocked(vcpu: number, { address }: IoRequest, servers: readonly number[]): LabError {
    return new LabError(
      `vCPU ${vcpu} would wait for ever: server ${servers.join(', ')} does not answer its access to 0x${address.toString(16)}`,
      { blame: 'deviceModel', code: 'VCPU_BLOCKED' },
    );
  }
}

/** The server that QEMU makes when a domain starts; nothing of the guest's is QEMU's in the model. */
function createQemuServer(domain: Domain): void {
  const calls = domain.callsOf();
  const id = calls.createIoreqServer(bufferedMode.atomic);
  calls.acquireResource(id, 1);
}
