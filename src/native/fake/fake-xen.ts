import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ioreqBytes, ioreqType } from '../../abi/ioreq.ts';
import { loadAddon, type Addon } from '../../xen/addon.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The one guest that the fake has: FAKE_DOMID and FAKE_VCPUS of fake_xen.h. */
export const fakeGuest = { domid: 7, vcpus: 8, frames: 64 } as const;

/** All ones, as a slot's data shows them. */
export const allOnes = 0xffff_ffff_ffff_ffffn;

/** What Xen puts into a slot. */
export interface IoRequest {
  /** {@link ioreqType}; default `pio`. */
  readonly type?: number;
  readonly isRead?: boolean;
  readonly dataIsPointer?: boolean;
  readonly backwards?: boolean;
  readonly size?: number;
  readonly count?: number;
  readonly address: number | bigint;
  readonly data?: number | bigint;
}

/** A slot as Xen finds it. */
export interface Slot extends Required<IoRequest> {
  readonly address: bigint;
  readonly data: bigint;
  readonly state: number;
}

/** What the process holds of Xen: `struct fake_held`. */
export interface Held {
  readonly handles: number;
  readonly servers: number;
  readonly pages: number;
  readonly frames: number;
  readonly ports: number;
}

/** build/native/fake/<release>/fake.node. Servers go by Xen's id. */
interface Controls {
  failNext(name: string, errno: number, times: number): void;
  calls(name: string): number;
  waiting(): number;
  held(): ArrayBuffer;
  post(server: number, vcpu: number, slot: Uint8Array): void;
  sendEvent(server: number, vcpu: number): void;
  take(server: number, vcpu: number): ArrayBuffer | undefined;
  access(server: number, vcpu: number, slot: Uint8Array, times?: number): Promise<ArrayBuffer>;
  slot(server: number, vcpu: number): ArrayBuffer;
  buffer(server: number, slot: Uint8Array): void;
  ringPointers(server: number): ArrayBuffer;
  setRingPointers(server: number, read: number, write: number): void;
  ranges(server: number): [number, number, number][];
  memory(): ArrayBuffer;
  clearUp(): void;
  unbindAll(): void;
  dawdle(microseconds: number): void;
  setState(server: number, vcpu: number, state: number): void;
  told(): ArrayBuffer;
}

const toldKinds = ['isa', 'intx', 'link', 'msi', 'event', 'modified'] as const;

/** A call that tells the guest or Xen something: its kind, and three numbers as `enum fake_told_kind` lists them. */
export type Told = readonly [kind: (typeof toldKinds)[number], ...values: number[]];

/** Tests' hold on the fake of Xen: see fake_xen.h. */
export class FakeXen {
  readonly addonFile: string = `${root}/build/native/ioreq.node`;
  /** The module that puts the fake into a process which loads it before the addon. */
  readonly file: string;
  readonly addon: Addon;
  readonly #controls: Controls;

  /** Loads the fake into this process, and the addon on top of it. @param release the Xen that it looks like */
  constructor(release: '4.20' | '4.14' | '4.10' = '4.20') {
    const make = (directory: string): unknown =>
      execFileSync('flock', [`${root}/build`, 'make', '-s', '-C', `${root}/${directory}`], { stdio: 'pipe' });
    make('src/native');
    make('src/native/fake');
    this.file = `${root}/build/native/fake/${release}/fake.node`;
    this.#controls = createRequire(import.meta.url)(this.file) as Controls;
    this.addon = loadAddon(this.addonFile);
  }

  /** Makes the next calls of a library function fail. */
  failNext(name: string, errno: number, times = 1): void {
    this.#controls.failNext(name, errno, times);
  }

  /** How often a library function was called. */
  calls(name: string): number {
    return this.#controls.calls(name);
  }

  held(): Held {
    const [handles = 0, servers = 0, pages = 0, frames = 0, ports = 0] = new Uint32Array(this.#controls.held());
    return { handles, servers, pages, frames, ports };
  }

  /** Takes away the servers and pages that stayed because a call was made to fail. */
  clearUp(): void {
    this.#controls.clearUp();
  }

  /** No port is bound any more, as when the device model's process has died. */
  unbindAll(): void {
    this.#controls.unbindAll();
  }

  /** How long vCPUs take from now on to run once they are notified: less than a second. */
  dawdle(microseconds: number): void {
    this.#controls.dawdle(microseconds);
  }

  /** The state in which a device model died over a slot. */
  setState(server: number, vcpu: number, state: number): void {
    this.#controls.setState(server, vcpu, state);
  }

  /** Another copy of the addon, with a state of its own: what a second process would be. */
  secondAddon(): Addon {
    const file = `${this.addonFile}.${process.pid}.second`;
    copyFileSync(this.addonFile, file);
    try {
      // require() goes by the name of a file.
      const module: { exports: object } = { exports: {} };
      process.dlopen(module, file);
      return module.exports as Addon;
    } finally {
      rmSync(file);
    }
  }

  /** What device models have told since the last call, in order. */
  told(): Told[] {
    const words = [...new BigUint64Array(this.#controls.told())].map(Number);
    return Array.from({ length: words.length / 4 }, (_, i) => {
      const [kind = 0, ...values] = words.slice(4 * i, 4 * i + 4);
      return [toldKinds[kind] ?? 'isa', ...values];
    });
  }

  /** Puts a request into a vCPU's slot as Xen does: body, state, event. */
  post(server: number, vcpu: number, request: IoRequest): void {
    this.#controls.post(server, vcpu, encodeSlot(request));
  }

  /** An event that stands for no request. */
  sendEvent(server: number, vcpu: number): void {
    this.#controls.sendEvent(server, vcpu);
  }

  /** The answer, when the slot is IORESP_READY and the vCPU was notified; it frees the slot. */
  take(server: number, vcpu: number): Slot | undefined {
    const bytes = this.#controls.take(server, vcpu);
    return bytes === undefined ? undefined : decodeSlot(bytes);
  }

  /** A whole access: what the vCPU gets. Rejects with ETIMEDOUT when nobody answers. */
  async access(server: number, vcpu: number, request: IoRequest): Promise<Slot> {
    return decodeSlot(await this.#controls.access(server, vcpu, encodeSlot(request)));
  }

  /** So many accesses, each made as soon as the one before is answered, in the same thread. The server has to spin. */
  async accessOften(server: number, vcpu: number, request: IoRequest, times: number): Promise<void> {
    await this.#controls.access(server, vcpu, encodeSlot(request), times);
  }

  /** The slot as it is now. */
  slot(server: number, vcpu: number): Slot {
    return decodeSlot(this.#controls.slot(server, vcpu));
  }

  /** Puts an entry into the buffered ring as Xen does. Throws `EAGAIN` when it is full. */
  buffer(server: number, request: IoRequest): void {
    this.#controls.buffer(server, encodeSlot({ data: 0, ...request }));
  }

  /** The ring's pointers; both are 32-bit and count on freely. */
  ringPointers(server: number): { readonly read: number; readonly write: number } {
    const [read = 0, write = 0] = new Uint32Array(this.#controls.ringPointers(server));
    return { read, write };
  }

  /** Spoils the ring's pointers, or puts them near to where they wrap. */
  setRingPointers(server: number, read: number, write: number): void {
    this.#controls.setRingPointers(server, read, write);
  }

  /** The ranges of ports and of memory that a server owns. */
  ranges(server: number): { readonly memory: boolean; readonly start: number; readonly end: number }[] {
    const owned = this.#controls.ranges(server).filter(([kind]) => kind < 2);
    return owned.map(([kind, start, end]) => ({ memory: kind === 1, start, end }));
  }

  /** The PCI functions that a server owns, as segment << 16 | bus << 8 | device << 3 | function. */
  pciFunctions(server: number): number[] {
    return this.#controls.ranges(server).flatMap(([kind, sbdf]) => (kind === 2 ? [sbdf] : []));
  }

  /** The guest's memory, from gfn 0. */
  memory(): Uint8Array {
    return new Uint8Array(this.#controls.memory());
  }

  /** Resolves when so many threads wait for an event. */
  async waiting(threads: number): Promise<void> {
    await until(() => this.#controls.waiting() === threads);
  }
}

/** Resolves when the condition holds; the test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function encodeSlot(request: IoRequest): Uint8Array {
  const { type = ioreqType.pio, isRead = false, dataIsPointer = false, backwards = false } = request;
  const bytes = new Uint8Array(ioreqBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(request.address), true);
  view.setBigUint64(8, BigInt(request.data ?? 0), true);
  view.setUint32(16, request.count ?? 1, true);
  view.setUint32(20, request.size ?? 4, true);
  bytes[30] = (Number(dataIsPointer) << 4) | (Number(isRead) << 5) | (Number(backwards) << 6);
  bytes[31] = type;
  return bytes;
}

function decodeSlot(bytes: ArrayBuffer): Slot {
  const view = new DataView(bytes);
  const bits = view.getUint8(30);
  return {
    address: view.getBigUint64(0, true),
    data: view.getBigUint64(8, true),
    count: view.getUint32(16, true),
    size: view.getUint32(20, true),
    state: bits & 15,
    dataIsPointer: (bits & 16) !== 0,
    isRead: (bits & 32) !== 0,
    backwards: (bits & 64) !== 0,
    type: view.getUint8(31),
  };
}
