import { attachWith, defaultServer, type Attach } from '../device/attach.ts';
import type { Device } from '../device/index.ts';
import { LabError } from '../errors.ts';
import { InProcess, type InProcessOptions } from '../model/in-process/in-process.ts';
import type { InterruptsSeen } from '../model/in-process/model-addon.ts';
import { LocalServers } from '../model/in-process/local-servers.ts';
import { flag, makeCpu, type Cpu, type Gpr, type Instruction } from '../model/oracle/index.ts';
import type { GuestMemory } from '../server/guest-memory.ts';
import type { ServerRemains, ServerTrouble } from '../server/server-host.ts';
import { readTrace, type TraceRecord } from '../trace/record.ts';

/** Who makes an access. */
export interface AccessOptions {
  /** Default 0. */
  readonly vcpu?: number;
}

interface StringOptions extends AccessOptions {
  /** Bytes of one repetition. */
  readonly size: 1 | 2 | 4 | 8;
  /** RCX; default 1. */
  readonly count?: number;
  /** RFLAGS.DF: addresses step downwards, from the last element on. */
  readonly backward?: boolean;
}

/** REP INS and REP OUTS. */
export interface PortStringOptions extends StringOptions {
  readonly size: 1 | 2 | 4;
  readonly port: number;
  /** Guest-physical address of the first element: RDI or RSI. */
  readonly address: number | bigint;
}

/** REP MOVS. */
export interface MemoryStringOptions extends StringOptions {
  readonly source: number | bigint;
  readonly destination: number | bigint;
}

/** REP STOS. */
export interface StoreStringOptions extends StringOptions {
  readonly destination: number | bigint;
  readonly value: number | bigint;
}

/** The configuration space of a PCI function, by ports 0xcf8 and 0xcfc. */
export interface ConfigSpace {
  read(offset: number, size: 1 | 2 | 4): number;
  write(offset: number, size: 1 | 2 | 4, value: number): void;
}

/**
 * A guest on the model of Xen, and its device models; made by `createTestGuest`. Accesses are instructions of a vCPU: Xen
 * splits, repeats and routes them as it would. One thread: a handler runs inside the call that made the access.
 *
 * What a handler throws, the access throws, after it was answered with all ones as in dom0; a server tells only of its
 * first.
 */
export class TestGuest implements AsyncDisposable {
  readonly #guest: InProcess;
  readonly #devices = new Map<string, Device>();
  readonly #servers: LocalServers;
  readonly #troubles: ServerTrouble[] = [];

  /** @internal by `createTestGuest` */
  constructor(options: Omit<InProcessOptions, 'deviceNamed'>) {
    this.#guest = new InProcess({
      ...options,
      deviceNamed: (name) => this.#device(name),
    });
    if (options.environment === 'hvm') this.#guest.addon.allowIsaInterrupts();
    this.#servers = new LocalServers(this.#guest, (_server, trouble) => this.#troubles.push(trouble));
  }

  /**
   * Makes a device; accesses reach it when this resolves. One kind of device can be attached several times.
   *
   * @throws LabError what the device or Xen refused: `REGION_UNKNOWN`, `REGION_NOT_PLACED`, `REGION_OUT_OF_RANGE`,
   * `REGION_OVERLAP`, `RANGE_REFUSED`; `DEVICE_NAME_TAKEN` when another device of this name was attached
   */
  readonly attach: Attach = attachWith({
    attach: async (server, device, options, at) => {
      this.#know(device);
      if (!this.#servers.names.includes(server)) this.#servers.create(server);
      return await this.#servers.named(server).attach(device.name, asTravelled(options), { ...at });
    },
    use: async (server, device, ability, state) =>
      asTravelled(await this.#servers.named(server).use(device, ability, asTravelled(state))),
  });

  /** The orderly end of a server and its devices. Afterwards nobody owns their addresses. */
  async close(server: string = defaultServer): Promise<ServerRemains> {
    return await this.#servers.close(server);
  }

  /** IN: what AL, AX or EAX holds then. */
  in(port: number, size: 1 | 2 | 4, options: AccessOptions = {}): number {
    return Number(this.#run({ kind: 'in', size, port }, {}, options).rax);
  }

  /** OUT of the low `size` bytes of `value`. */
  out(port: number, size: 1 | 2 | 4, value: number, options: AccessOptions = {}): void {
    this.#run({ kind: 'out', size, port }, { rax: BigInt(value) }, options);
  }

  /** MOV from memory; zero-extended. Eight bytes come as a bigint. */
  load(address: number | bigint, size: 1 | 2 | 4, options?: AccessOptions): number;
  load(address: number | bigint, size: 8, options?: AccessOptions): bigint;
  load(address: number | bigint, size: 1 | 2 | 4 | 8, options: AccessOptions = {}): number | bigint {
    const { rax } = this.#run({ kind: 'load', size, address: BigInt(address), register: 'rax' }, {}, options);
    return size === 8 ? rax : Number(rax);
  }

  /** MOV of the low `size` bytes of `value` to memory. */
  store(address: number | bigint, size: 1 | 2 | 4 | 8, value: number | bigint, options: AccessOptions = {}): void {
    const source = { register: 'rax' } as const;
    this.#run(
      { kind: 'store', size, address: BigInt(address), source },
      { rax: BigInt.asUintN(64, BigInt(value)) },
      options,
    );
  }

  /** REP INS: port to memory. */
  ins({ port, address, size, ...options }: PortStringOptions): void {
    this.#repeat({ kind: 'ins', size, repeat: 'rep' }, { rdx: BigInt(port), rdi: BigInt(address) }, options);
  }

  /** REP OUTS: memory to port. */
  outs({ port, address, size, ...options }: PortStringOptions): void {
    this.#repeat({ kind: 'outs', size, repeat: 'rep' }, { rdx: BigInt(port), rsi: BigInt(address) }, options);
  }

  /** REP MOVS: memory to memory, either of which may be a device's. */
  movs({ source, destination, size, ...options }: MemoryStringOptions): void {
    this.#repeat({ kind: 'movs', size, repeat: 'rep' }, { rsi: BigInt(source), rdi: BigInt(destination) }, options);
  }

  /** REP STOS: one value to memory, `count` times. */
  stos({ destination, value, size, ...options }: StoreStringOptions): void {
    this.#repeat(
      { kind: 'stos', size, repeat: 'rep' },
      { rdi: BigInt(destination), rax: BigInt.asUintN(64, BigInt(value)) },
      options,
    );
  }

  /**
   * Any instruction that the oracle knows, with registers of the caller's.
   *
   * @returns the registers afterwards
   * @throws LabError `GUEST_FAULT` when it raises an exception, `GUEST_GONE` when Xen crashes the guest, `VCPU_BLOCKED`
   * when nobody answers, `HANDLER_THREW`
   */
  execute(
    instruction: Instruction,
    registers: Readonly<Partial<Record<Gpr, bigint>>> = {},
    { vcpu = 0 }: AccessOptions = {},
  ): Cpu {
    const cpu = makeCpu(registers);
    this.#execute(instruction, cpu, vcpu);
    return cpu;
  }

  /** The configuration space of a PCI function of segment 0. */
  config(bus: number, device: number, fn: number, options: AccessOptions = {}): ConfigSpace {
    const select = (offset: number): number => {
      const selector = 0x8000_0000 + bus * 0x1_0000 + device * 0x800 + fn * 0x100 + (offset & 0xfc);
      this.out(0xcf8, 4, selector, options);
      return 0xcfc + (offset & 3);
    };
    return {
      read: (offset, size) => this.in(select(offset), size, options),
      write: (offset, size, value) => this.out(select(offset), size, value, options),
    };
  }

  /** The guest's RAM, as a device sees it for DMA. */
  get memory(): GuestMemory {
    return this.#guest.memory;
  }

  /** What devices have made of their interrupt lines, and the messages that they have sent. */
  get interrupts(): InterruptsSeen {
    return this.#guest.addon.interrupts;
  }

  /** The newest requests that a server saw, oldest first. */
  trace(server: string = defaultServer): TraceRecord[] {
    return readTrace(this.#servers.named(server).readTrace());
  }

  /** Closes all servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers[Symbol.asyncDispose]();
  }

  #run(instruction: Instruction, registers: Partial<Record<Gpr, bigint>>, options: AccessOptions): Cpu['gpr'] {
    return this.execute(instruction, registers, options).gpr;
  }

  #repeat(
    instruction: Instruction,
    registers: Partial<Record<Gpr, bigint>>,
    { count = 1, backward = false, vcpu = 0 }: Omit<StringOptions, 'size'>,
  ): void {
    this.#execute(instruction, makeCpu({ ...registers, rcx: BigInt(count) }, backward ? flag.direction : 0n), vcpu);
  }

  #execute(instruction: Instruction, cpu: Cpu, vcpu: number): void {
    const outcome = this.#guest.execute(vcpu, cpu, instruction);
    const trouble = this.#troubles.shift();
    if (trouble !== undefined) {
      const message = trouble.kind === 'threw' ? `the handler of ${trouble.region} threw` : 'a server failed';
      throw new LabError(`${message}: ${trouble.message}`, { blame: 'deviceModel', code: 'HANDLER_THREW' });
    }
    if (outcome.kind === 'fault') {
      throw new LabError(`the instruction raised exception ${outcome.vector}`, { blame: 'guest', code: 'GUEST_FAULT' });
    }
    if (outcome.kind === 'crash') {
      throw new LabError(`Xen crashed the guest: ${outcome.reason}`, { blame: 'guest', code: 'GUEST_GONE' });
    }
  }

  #know(device: Device): void {
    const known = this.#devices.get(device.name);
    if (known !== undefined && known !== device) {
      throw new LabError(`two devices are named ${JSON.stringify(device.name)}`, {
        blame: 'scenario',
        code: 'DEVICE_NAME_TAKEN',
        next: 'give one of them another name',
      });
    }
    this.#devices.set(device.name, device);
  }

  #device(name: string): Device {
    const device = this.#devices.get(name);
    if (device === undefined) throw new Error(`unreachable: ${name} was not attached`);
    return device;
  }
}

/** What is left of a value on its way to dom0 and back. */
const asTravelled = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));
