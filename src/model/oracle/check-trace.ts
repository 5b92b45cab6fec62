import { ioreqType } from '../../abi/ioreq.ts';
import { LabError } from '../../errors.ts';
import type { TraceRecord } from '../../trace/record.ts';
import { toValue } from './bytes.ts';
import { gprNames, type Gpr } from '../../abi/registers.ts';
import { arithmeticFlags, flag, type Cpu } from './cpu.ts';
import { describeRequest, type Comparison, type Row } from './describe.ts';
import { execute, executeCode } from './execute.ts';
import { handlingOf, type Platform } from './handlers.ts';
import type { Instruction, Outcome } from './instruction.ts';
import { KnownMemory } from './known-memory.ts';
import type { OracleRules } from './rules.ts';
import { frames, readAllRam, writeAllRam, type Answer, type IoRequest, type World } from './world.ts';

/** A range of a server, both ends inclusive: ports, guest-physical addresses, or PCI functions as segment, bus and devfn. */
export interface TraceRange {
  readonly kind: 'port' | 'memory' | 'pci';
  readonly start: bigint;
  readonly end: bigint;
}

/** A server of the guest. */
export interface TraceServer {
  readonly name: string;
  readonly ranges: readonly TraceRange[];
  /** False: Xen asks it nothing. Default true. */
  readonly isEnabled?: boolean;
  /** Has ranges besides, which its guest moves about: those of a PCI function's BARs. Its requests are believed to be in them. */
  readonly hasBars?: boolean;
}

/** What the guest reported of one operation. What is missing is not looked at. */
export interface SeenState {
  readonly gpr: Readonly<Partial<Record<Gpr, bigint>>>;
  readonly rflags?: bigint;
  /** By number, as many bytes as were reported. */
  readonly vectors?: readonly Uint8Array[];
  readonly fault?: { readonly vector: number; readonly errorCode: number };
}

/** One operation of a program. `write`, `read`: of RAM, by the guest itself. */
export type OracleStep = {
  readonly label: string;
  /** Its number in the program. */
  readonly operation?: number;
} & (
  | {
      readonly kind: 'instruction';
      /** Or machine code, which {@link decode} has to know. */
      readonly instruction: Instruction | Uint8Array;
      /** Before it; not changed. */
      readonly cpu: Cpu;
      /** How often it is executed, each time with the same registers; default 1. */
      readonly times?: number;
      readonly seen?: SeenState;
    }
  | { readonly kind: 'write' | 'read'; readonly address: bigint; readonly bytes: Uint8Array }
);

/** What was executed together: a program on each of some vCPUs. */
export interface OracleRun {
  readonly label: string;
  /** The servers at that time, in the order of their ids: of two that own a range the later one gets the access. */
  readonly servers: readonly TraceServer[];
  readonly vcpus: readonly { readonly vcpu: number; readonly steps: readonly OracleStep[] }[];
  /** Missing: what devices answer is taken from the traces as it is. */
  readonly devices?: KnownDevices | undefined;
  /** Several vCPUs, each with RAM and devices of its own, and at most one that writes to 0xcf8: all is known then. */
  readonly isSeparate?: boolean | undefined;
}

/** Guest memory, as a device model reaches it. */
export interface DeviceMemory {
  read(address: bigint, length: number): Uint8Array;
  write(address: bigint, bytes: Uint8Array): void;
}

/** Devices of which it is known what they answer, with their state. */
export interface KnownDevices {
  /**
   * Does what a server's devices do with a request.
   *
   * @returns the answer to a read that is no `dataIsPointer`; undefined for any other, and where it is not known
   */
  serve(server: string, request: IoRequest, memory: DeviceMemory): bigint | undefined;
}

/** What is expected of one step of a program, before it is run. */
export interface Prediction {
  /** Of the last execution; missing for what is no instruction. */
  readonly outcome?: Outcome;
  /** Requests to servers. */
  readonly requests: number;
  /** Something of it comes from where the oracle does not know it. */
  readonly isGuess: boolean;
}

/** What {@link checkTrace} goes by. */
export interface TraceSetup {
  readonly rules: OracleRules;
  readonly platform: Platform;
  /** True for guest-physical addresses that are RAM. */
  readonly isRam: (address: bigint) => boolean;
}

/** Records of a vCPU that are shown after the place where the oracle lost the thread. */
const shownAfter = 4;

/**
 * Replays runs against the answers in the traces: each request that the oracle expects has to be the next of its server and
 * vCPU, none may be left over, and the guest's registers and memory have to be what follows from the answers. What the
 * oracle cannot know (memory that a device model wrote, values of QEMU's or Xen's own devices, RAM while several vCPUs
 * run) is not compared.
 *
 * @throws LabError `ORACLE_UNKNOWN_CODE`
 * @param traces records of each server from the first of the runs on, oldest first
 * @param latch as earlier runs have left it; changed
 */
export function checkTrace(
  setup: TraceSetup,
  runs: readonly OracleRun[],
  traces: ReadonlyMap<string, readonly TraceRecord[]>,
  latch: ConfigLatch = { address: undefined },
): Comparison[] {
  const queues = new Queues(traces, runs.length);
  const comparisons: Comparison[] = [];
  const lost = new Set<number>();
  for (const [i, run] of runs.entries()) {
    const memory = new KnownMemory();
    for (const { vcpu, steps } of run.vcpus) {
      const replay = new Replay(setup, run, vcpu, queues, memory, latch);
      for (const step of steps) {
        if (lost.has(vcpu)) break;
        const rows = replay.step(step);
        if (rows === undefined) lost.add(vcpu);
        comparisons.push({
          label: `${run.label}, vCPU ${vcpu}: ${step.label}`,
          at: { run: i, vcpu, operation: step.operation },
          rows: rows ?? replay.rows,
        });
      }
    }
  }
  return [...comparisons, ...queues.leftOver(lost)];
}

/**
 * Says what a run will make, one vCPU after the other, and step by step: what `devices` of the run do not know counts as 0.
 *
 * @param latch as earlier runs have left it; changed
 * @throws LabError `ORACLE_UNKNOWN_CODE`
 */
export function* predict(
  setup: TraceSetup,
  run: OracleRun,
  latch: ConfigLatch = { address: undefined },
): Generator<Prediction & { readonly vcpu: number }> {
  const memory = new KnownMemory();
  for (const { vcpu, steps } of run.vcpus) {
    const replay = new Replay(setup, run, vcpu, undefined, memory, latch);
    for (const step of steps) yield { vcpu, ...replay.predict(step) };
  }
}

/** The address that was written to port 0xcf8 last; undefined when that is not known. One for the whole domain. */
export interface ConfigLatch {
  address: bigint | undefined;
}

/** In place of a vCPU: a server's ring, which says nothing of who wrote. */
const ring = -1;

/** What is left of the traces, by server and vCPU. */
class Queues {
  readonly #queues = new Map<string, Map<number, TraceRecord[]>>();

  readonly #runs: number;

  constructor(traces: ReadonlyMap<string, readonly TraceRecord[]>, runs: number) {
    this.#runs = runs;
    for (const [server, records] of traces) {
      const byVcpu = new Map<number, TraceRecord[]>();
      for (const record of records) {
        // A broadcast of the toolstack's doing, or of the guest's clock.
        if (record.type === ioreqType.invalidate || record.type === ioreqType.timeOffset) continue;
        const from = record.isBuffered ? ring : record.vcpu;
        const queue = byVcpu.get(from) ?? [];
        queue.push(record);
        byVcpu.set(from, queue);
      }
      // Taken from the end.
      for (const queue of byVcpu.values()) queue.reverse();
      this.#queues.set(server, byVcpu);
    }
  }

  next(server: string, vcpu: number): TraceRecord | undefined {
    return this.#queues.get(server)?.get(vcpu)?.at(-1);
  }

  take(server: string, vcpu: number): void {
    this.#queues.get(server)?.get(vcpu)?.pop();
  }

  /**
   * Takes the next entry of a server's ring, if it is one that is looked for.
   *
   * @param isMixed vCPUs have written at the same time: the first that is
   */
  takeEntry(server: string, isMixed: boolean, isIt: (record: TraceRecord) => boolean): TraceRecord | undefined {
    const queue = this.#queues.get(server)?.get(ring) ?? [];
    const at = isMixed ? queue.findLastIndex(isIt) : queue.length - 1;
    const entry = queue[at];
    if (entry === undefined || !isIt(entry)) return undefined;
    queue.splice(at, 1);
    return entry;
  }

  /** Rows of the next records of a vCPU, which nothing was expected to have made. */
  rest(vcpu: number): Row[] {
    return [...this.#queues].flatMap(([server, byVcpu]): Row[] =>
      (byVcpu.get(vcpu) ?? [])
        .slice(-shownAfter)
        .reverse()
        .map((record) => ({ subject: 'request', seen: `${server}: ${describeRequest(record)}`, isSame: false })),
    );
  }

  leftOver(lost: ReadonlySet<number>): Comparison[] {
    const vcpus = new Set([...this.#queues.values()].flatMap((byVcpu) => [...byVcpu.keys()]));
    return [...vcpus]
      .filter((vcpu) => (vcpu === ring ? lost.size === 0 : !lost.has(vcpu)))
      .map((vcpu) => ({
        label: `${vcpu === ring ? 'the ring' : `vCPU ${vcpu}`}: after all operations`,
        // Whichever vCPU has written it: none is as good as another, and there is always a first.
        at: { run: this.#runs - 1, vcpu: Math.max(vcpu, 0) },
        rows: this.rest(vcpu),
      }))
      .filter(({ rows }) => rows.length > 0);
  }
}

/** Thrown where the trace is another than expected: from there on nothing can be expected any more. */
class Diverged extends Error {}

/** One vCPU in one run. */
class Replay implements World {
  readonly #setup: TraceSetup;
  readonly #run: OracleRun;
  readonly #vcpu: number;
  /** Missing: it is not known yet what is to be answered. */
  readonly #queues: Queues | undefined;
  readonly #memory: KnownMemory;
  readonly #latch: ConfigLatch;
  /** Of the step that is being made. */
  rows: Row[] = [];
  /** A value of this step comes from where the oracle does not know it. */
  #isGuess = false;
  #requests = 0;

  constructor(
    setup: TraceSetup,
    run: OracleRun,
    vcpu: number,
    queues: Queues | undefined,
    memory: KnownMemory,
    latch: ConfigLatch,
  ) {
    this.#setup = setup;
    this.#run = run;
    this.#vcpu = vcpu;
    this.#queues = queues;
    this.#memory = memory;
    this.#latch = latch;
  }

  /** Undefined when the trace has diverged. */
  step(step: OracleStep): Row[] | undefined {
    this.rows = [];
    this.#isGuess = false;
    if (step.kind !== 'instruction') {
      if (step.kind === 'read') this.#compareMemory(step.address, step.bytes);
      else this.#setMemory(step.address, step.bytes);
      return this.rows;
    }
    const { instruction, cpu: before, seen, times = 1 } = step;
    try {
      for (let i = 0; i < times; i++) {
        const cpu = copyOf(before);
        const outcome = this.#execute(instruction, cpu);
        if (seen !== undefined) this.#compareGuest(cpu, outcome, seen);
      }
    } catch (error) {
      if (!(error instanceof Diverged)) throw error;
      this.rows.push(...(this.#queues?.rest(this.#vcpu) ?? []));
      return undefined;
    }
    return this.rows;
  }

  predict(step: OracleStep): Prediction {
    this.#isGuess = false;
    this.#requests = 0;
    if (step.kind !== 'instruction') {
      if (step.kind === 'write') this.#setMemory(step.address, step.bytes);
      return { requests: 0, isGuess: false };
    }
    let outcome: Outcome = { kind: 'done' };
    for (let i = 0; i < (step.times ?? 1); i++) outcome = this.#execute(step.instruction, copyOf(step.cpu));
    return { outcome, requests: this.#requests, isGuess: this.#isGuess };
  }

  #execute(instruction: Instruction | Uint8Array, cpu: Cpu): Outcome {
    const { rules } = this.#setup;
    if (!(instruction instanceof Uint8Array)) return execute(instruction, cpu, this, rules);
    const outcome = executeCode(instruction, cpu, this, rules);
    if (outcome !== undefined) return outcome;
    throw new LabError(`the oracle does not know the machine code ${Buffer.from(instruction).toString('hex')}`, {
      blame: 'scenario',
      code: 'ORACLE_UNKNOWN_CODE',
    });
  }

  isRam(address: bigint): boolean {
    return this.#setup.isRam(address);
  }

  readRam(address: bigint, length: number): Uint8Array {
    const { bytes, isKnown } = this.#memory.read(address, length);
    if (!isKnown || this.#isShared) this.#isGuess = true;
    return bytes;
  }

  /** Another vCPU may do anything meanwhile. */
  get #isShared(): boolean {
    return this.#run.vcpus.length > 1 && this.#run.isSeparate !== true;
  }

  writeRam(address: bigint, bytes: Uint8Array): void {
    if (this.#isGuess) this.#memory.forget(address, bytes.length);
    else this.#memory.write(address, bytes);
  }

  send(asked: IoRequest): Answer {
    const handling = handlingOf(asked, this.#setup.platform, this.#setup.rules);
    if (handling === 'crash') return 'crashed';
    if (handling === 'taken') return this.#answerUnknown(asked);
    const request = handling === 'none' ? asked : { ...asked, count: 1 };
    this.#latchConfigAddress(request);
    const routed = this.#rewritten(request) ?? this.#rewrittenAsSeen(request);
    const owner = routed === undefined ? undefined : this.#ownerOf(routed);
    if (routed === undefined) return this.#answerNobody(request);
    if (owner === undefined) {
      const mover = this.#queues === undefined ? undefined : this.#moverOf(routed, this.#queues);
      if (mover === undefined || this.#queues === undefined) return this.#answerNobody(request);
      return this.#answerAsRecorded(mover.name, routed, this.#queues.next(mover.name, this.#vcpu), this.#queues);
    }
    if (this.#queues === undefined) {
      if (handling === 'buffered') return { data: 0n, count: 1, isFromServer: false };
      return this.#answerAsKnown(owner.name, routed);
    }
    if (handling === 'buffered') {
      // Otherwise the ring was full, or there is none, and it took the slot.
      const entry = this.#queues.takeEntry(owner.name, this.#run.vcpus.length > 1, (one) => isSameRequest(routed, one));
      if (entry !== undefined) return this.#answerBuffered(owner.name, routed, entry);
    }
    const record = this.#queues.next(owner.name, this.#vcpu);
    // Memory that Xen has no copy of: stdvga_mem_accept refuses, so that nothing cuts the batch.
    const whole = { ...routed, count: asked.count };
    const isWhole = record !== undefined && routed.type === ioreqType.copy && isSameRequest(whole, record);
    if (handling === 'depends' && isWhole) return this.#answerAsRecorded(owner.name, whole, record, this.#queues);
    const isSame = record !== undefined && isSameRequest(routed, record);
    if (handling === 'depends' && !isSame) return this.#answerUnknown(asked);
    return this.#answerAsRecorded(owner.name, routed, record, this.#queues);
  }

  /** What its devices answer, as far as that is known. */
  #answerAsKnown(server: string, request: IoRequest): Answer {
    this.#requests++;
    const data = this.#serve(server, request);
    const { isRead, dataIsPointer, count } = request;
    if (data === undefined && isRead && !dataIsPointer) this.#isGuess = true;
    return { data: data ?? 0n, count, isFromServer: true };
  }

  /** Lets the known devices do what is to be done. */
  #serve(server: string, request: IoRequest): bigint | undefined {
    const { devices } = this.#run;
    if (devices !== undefined) return devices.serve(server, request, this.#deviceMemory);
    if (request.isRead && request.dataIsPointer) this.#forgetData(request);
    return undefined;
  }

  readonly #deviceMemory: DeviceMemory = {
    read: (address, length) => readAllRam(this, address, length),
    write: (address, bytes) => writeAllRam(this, address, bytes),
  };

  /** The server with BARs whose next request this is: the last of them, as everywhere. */
  #moverOf(request: IoRequest, queues: Queues): TraceServer | undefined {
    return this.#run.servers.findLast(({ name, hasBars }) => {
      const record = hasBars === true ? queues.next(name, this.#vcpu) : undefined;
      return record !== undefined && isSameRequest(request, record);
    });
  }

  /** What the record of the server says, if it is a record of this request. */
  #answerAsRecorded(server: string, request: IoRequest, record: TraceRecord | undefined, queues: Queues): Answer {
    const isSame = record !== undefined && isSameRequest(request, record);
    const isData = isSame && (this.#isGuess || request.data === record.data);
    this.rows.push({
      subject: 'request',
      expected: `${server}: ${describeRequest(isData ? { ...request, data: record.data } : request)}`,
      ...(record === undefined ? {} : { seen: `${server}: ${describeRequest(record)}` }),
      isSame: isData,
    });
    if (!isSame) {
      if (record !== undefined) queues.take(server, this.#vcpu);
      throw new Diverged();
    }
    queues.take(server, this.#vcpu);
    const known = this.#serve(server, request);
    const answer = BigInt.asUintN(8 * request.size, record.answer);
    if (known !== undefined && known !== answer) {
      const text = (value: bigint): string => `${server}: answers 0x${value.toString(16)}`;
      this.rows.push({ subject: 'answer', expected: text(known), seen: text(answer), isSame: false });
    }
    return { data: record.answer, count: request.count, isFromServer: true };
  }

  /** In the ring, for which no vCPU waits. */
  #answerBuffered(server: string, request: IoRequest, record: TraceRecord): Answer {
    const isData = this.#isGuess || request.data === record.data;
    const text = (of: IoRequest | TraceRecord): string => `${server}: ring: ${describeRequest(of)}`;
    this.rows.push({
      subject: 'request',
      expected: text(isData ? { ...request, data: record.data } : request),
      seen: text(record),
      isSame: isData,
    });
    return { data: 0n, count: 1, isFromServer: false };
  }

  /** Xen itself, or QEMU: nobody says what it was. */
  #answerUnknown(request: IoRequest): Answer {
    if (request.isRead && request.dataIsPointer) this.#forgetData(request);
    else if (request.isRead) this.#isGuess = true;
    return { data: 0n, count: request.count, isFromServer: false };
  }

  /** null_handler, unless QEMU is there, which may own it. */
  #answerNobody(request: IoRequest): Answer {
    if (this.#setup.platform === 'hvm') return this.#answerUnknown(request);
    const { isRead, dataIsPointer, size, count, data, backwards } = request;
    const ones = BigInt.asUintN(8 * size, -1n);
    if (isRead && dataIsPointer) {
      const low = backwards ? data - BigInt((count - 1) * size) : data;
      for (const { address, length } of frames(low, count * size)) {
        this.#memory.write(address, new Uint8Array(length).fill(0xff));
      }
    }
    return { data: ones, count, isFromServer: false };
  }

  #forgetData({ data, size, count, backwards }: IoRequest): void {
    const low = backwards ? data - BigInt((count - 1) * size) : data;
    for (const { address, length } of frames(low, count * size)) this.#memory.forget(address, length);
  }

  /** hvm_access_cf8. */
  #latchConfigAddress({ type, isRead, dataIsPointer, size, address, data }: IoRequest): void {
    if (type !== ioreqType.pio || address !== 0xcf8n || size !== 4 || isRead) return;
    if (!dataIsPointer) this.#latch.address = this.#isGuess ? undefined : data;
    else {
      const parts = [...frames(data, size)].map((frame) => this.#memory.read(frame.address, frame.length));
      const bytes = Uint8Array.from(parts.flatMap((part) => [...part.bytes]));
      this.#latch.address = parts.every((part) => part.isKnown) ? toValue(bytes) : undefined;
    }
    // Other vCPUs may write it at the same time.
    if (this.#isShared) this.#latch.address = undefined;
  }

  /**
   * A configuration cycle where it is one (arch_ioreq_server_get_type_addr), without the extended register numbers that
   * some AMD processors have; undefined when it may be one and that is not known.
   */
  #rewritten(request: IoRequest): IoRequest | undefined {
    if (request.type !== ioreqType.pio || (request.address & ~3n) !== 0xcfcn) return request;
    const latched = this.#latch.address;
    if (latched === undefined) return undefined;
    if ((latched & 0x8000_0000n) === 0n) return request;
    const function_ = (latched >> 8n) & 0xffffn;
    const register = (latched & 0xfcn) | (request.address & 3n);
    return { ...request, type: ioreqType.pciConfig, address: (function_ << 32n) | register };
  }

  /** A cycle where the latch is not known: to the function of the record that this vCPU made next, if that is such a cycle. */
  #rewrittenAsSeen(request: IoRequest): IoRequest | undefined {
    for (const { name } of this.#run.servers) {
      const record = this.#queues?.next(name, this.#vcpu);
      const address = record?.address ?? 0n;
      const cycle = { ...request, type: ioreqType.pciConfig, address };
      if (record !== undefined && isSameRequest(cycle, record) && ((address ^ request.address) & 3n) === 0n)
        return cycle;
    }
    return undefined;
  }

  /** ioreq_server_select: all of the access in one range; ranges that touch are one (rangeset). */
  #ownerOf({ type, address, size, count, backwards }: IoRequest): TraceServer | undefined {
    const more = type === ioreqType.copy ? BigInt((count - 1) * size) : 0n;
    const [kind, first, last] =
      type === ioreqType.pciConfig
        ? (['pci', address >> 32n, address >> 32n] as const)
        : ([
            type === ioreqType.pio ? 'port' : 'memory',
            backwards ? address - more : address,
            (backwards ? address : address + more) + BigInt(size) - 1n,
          ] as const);
    return this.#run.servers.findLast(({ ranges, isEnabled = true }) => isEnabled && covers(ranges, kind, first, last));
  }

  #setMemory(start: bigint, bytes: Uint8Array): void {
    for (const { address, offset, length } of frames(start, bytes.length)) {
      this.#memory.write(address, bytes.subarray(offset, offset + length));
    }
  }

  #compareMemory(start: bigint, bytes: Uint8Array): void {
    if (this.#isShared) return;
    for (const { address, offset, length } of frames(start, bytes.length)) {
      const part = bytes.subarray(offset, offset + length);
      const before = this.#memory.read(address, length).bytes;
      const wrong = this.#memory.compare(address, part);
      if (wrong === undefined) continue;
      const at = Number(wrong - address);
      const text = (from: Uint8Array): string =>
        `memory 0x${wrong.toString(16)}: ${Buffer.from(from.subarray(at, at + 8)).toString('hex')}`;
      this.rows.push({ subject: 'memory', expected: text(before), seen: text(part), isSame: false });
    }
  }

  #compareGuest(cpu: Cpu, outcome: Outcome, seen: SeenState): void {
    const expected = describeEnd(outcome);
    const end = describeEnd(seen.fault === undefined ? { kind: 'done' } : { kind: 'fault', ...seen.fault });
    if (expected !== end) {
      this.rows.push({ subject: 'end', expected, seen: end, isSame: false });
      return;
    }
    if (this.#isGuess) return;
    const compare = (name: string, want: bigint, have: bigint | undefined): void => {
      if (have === undefined || want === have) return;
      this.rows.push({
        subject: name === 'rflags' ? 'flags' : 'registers',
        expected: `${name} 0x${want.toString(16)}`,
        seen: `${name} 0x${have.toString(16)}`,
        isSame: false,
      });
    };
    for (const name of gprNames) compare(name, cpu.gpr[name], seen.gpr[name]);
    const undefinedFlags = outcome.kind === 'done' ? (outcome.undefinedFlags ?? 0n) : 0n;
    const looked = (arithmeticFlags | flag.direction) & ~undefinedFlags;
    compare('rflags', cpu.rflags & looked, seen.rflags === undefined ? undefined : seen.rflags & looked);
    seen.vectors?.forEach((vector, i) => {
      compare(`vector ${i}`, toValue(cpu.vectors[i] ?? new Uint8Array(), 0, vector.length), toValue(vector));
    });
  }
}

function covers(ranges: readonly TraceRange[], kind: TraceRange['kind'], first: bigint, last: bigint): boolean {
  let next = first;
  for (;;) {
    const range = ranges.find((range) => range.kind === kind && range.start <= next && range.end >= next);
    if (range === undefined) return false;
    if (range.end >= last) return true;
    next = range.end + 1n;
  }
}

/** Apart from the value written. */
function isSameRequest(request: IoRequest, record: TraceRecord): boolean {
  return (
    request.type === record.type &&
    request.isRead === record.isRead &&
    request.dataIsPointer === record.dataIsPointer &&
    request.backwards === record.backwards &&
    request.size === record.size &&
    request.count === record.count &&
    request.address === record.address &&
    (!request.dataIsPointer || request.data === record.data)
  );
}

function describeEnd(outcome: Outcome): string {
  if (outcome.kind === 'done') return 'comes to its end';
  if (outcome.kind === 'livelock') return 'never comes to its end';
  return outcome.kind === 'crash'
    ? `Xen crashes the domain: ${outcome.reason}`
    : `exception ${outcome.vector}(${outcome.errorCode})`;
}

function copyOf({ gpr, rflags, vectors }: Cpu): Cpu {
  return { gpr: { ...gpr }, rflags, vectors: vectors.map((vector) => vector.slice()) };
}
