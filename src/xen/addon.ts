import { createRequire } from 'node:module';
import { LabError, messageOf } from '../errors.ts';
import type { DmOpName } from './dm-op.ts';

/** Names a server of this process; not Xen's id, which {@link Addon.serverId} tells. */
export type ServerHandle = number;

/** Kinds of buffered ring, HVM_IOREQSRV_BUFIOREQ_* of Xen's public/hvm/hvm_op.h. */
export const bufferedMode = { off: 0, legacy: 1, atomic: 2 } as const;

/** How a serving thread waits: `enum waiting_mode` of src/native/waiting.h. */
export const waitingMode = { block: 0, spin: 1, adaptive: 2 } as const;

/** A function that this host's Xen libraries lack. */
export interface MissingFunction {
  readonly function: string;
  /** Soname. */
  readonly library: string;
  /** The Xen release that brought it. */
  readonly since: string;
}

/**
 * The native addon, src/native/addon.c. One process serves one guest. A call of libxen that fails throws an Error with
 * `code` (`EINVAL`, ...), `errno` and `call`; one that this host's libraries lack throws `XEN_FUNCTION_MISSING`.
 * Numbers are whole; addresses and frame numbers go up to 2^53 - 1. Any thread, unless said otherwise.
 */
export interface Addon {
  /** The functions that were not found; all of them on a machine without Xen. */
  missing(): MissingFunction[];
  /** Says which guest this process serves and opens the libraries. Once per process; main thread. */
  open(domid: number, vcpus: number): void;
  /** The guest's vCPUs, online or not. Xen 4.15 and later. */
  nrVcpus(): number;
  /** Shuts the guest down; reason as in Xen's public/sched.h (0 poweroff, 3 crash). */
  shutdown(reason: number): void;

  /**
   * From now on no program that this thread starts gains privileges by being setuid, nor what it starts in turn. Also
   * without `open`.
   */
  noNewPrivileges(): void;
  /**
   * Gives up everything that serving this guest does not need, for good: handles are tied to the guest, the process is
   * limited and becomes this user and group. After `open`; what the process has to read from files it has read before.
   * Main thread.
   *
   * @param user uid and gid, of nobody else
   * @param handles how many threads may serve at the same time: each takes an event channel handle, and no more can be opened
   */
  restrictProcess(user: number, handles: number): void;
  /**
   * For tests of {@link restrictProcess}: tries what a device model has no business with, with what this process has, and
   * undoes what succeeds. Needs a server.
   *
   * @param domid a guest that is not ours
   * @param gfn where it has memory
   * @returns by attempt: the errno, or 0 when it succeeded
   */
  probePrivilege(domid: number, gfn: number): Record<string, number>;

  /**
   * Creates an ioreq server in Xen, maps its pages and opens its event channels. Main thread.
   *
   * @param buffered a value of {@link bufferedMode}; default `off`
   * @param lanePerVcpu whether each vCPU has a lane of its own; by default lane 0 has all of them. A lane is what one
   * thread serves: some vCPUs, their event channels, one request at a time. The buffered ring is lane 0's.
   */
  createServer(buffered?: number, lanePerVcpu?: boolean): ServerHandle;
  /**
   * Xen's ids of the ioreq servers of a domain that were created in this dom0, by whichever process. Also without `open`.
   */
  serversOf(domid: number): number[];
  /**
   * Takes over a server that a process which has died left in Xen; in place of `createServer`, and enabled like a new
   * one. It keeps its ranges, and its vCPUs' requests wait in it. Main thread.
   *
   * @param xenId must be one that the dead process had created, with the same ring and lanes
   */
  adoptServer(xenId: number, buffered?: number, lanePerVcpu?: boolean): ServerHandle;
  /** How many lanes the server has: 1, or the guest's vCPUs. */
  laneCount(server: ServerHandle): number;
  /** Xen's id of the server, 0 to 7. */
  serverId(server: ServerHandle): number;
  /** Gives the server a range of ports (`memory` false) or guest addresses, both ends included. */
  mapRange(server: ServerHandle, memory: boolean, start: number, end: number): void;
  unmapRange(server: ServerHandle, memory: boolean, start: number, end: number): void;
  /**
   * Gives the server the configuration space of a PCI function, whose accesses then come as PCI_CONFIG requests.
   *
   * @param sbdf segment << 16 | bus << 8 | device << 3 | function, as `address >> 32` of such a request
   */
  mapPciFunction(server: ServerHandle, sbdf: number): void;
  unmapPciFunction(server: ServerHandle, sbdf: number): void;
  /** Enables the server and binds a channel for each vCPU. `watched`: the watchdog looks after its handler. */
  enableServer(server: ServerHandle, watched: boolean): void;
  /** Answers what is open with all ones and disables: the trace is complete. Nobody may be serving. Main thread. */
  stopServer(server: ServerHandle): void;
  /** Stops and destroys the server, even if calls on the way fail; throws the first failure. Main thread. */
  closeServer(server: ServerHandle): void;
  /** Makes the serving thread of each lane come back from its wait. */
  interruptServer(server: ServerHandle): void;
  /**
   * How the threads of all lanes wait, from their next wait on: {@link waitingMode}, and for how many TSC cycles at most
   * they look at the slots before they block. `block` takes no cycles.
   */
  setWaiting(server: ServerHandle, mode: number, cycles: number): void;

  /**
   * The 16 words through which requests of a lane (default 0) and their answers pass: see src/server/request.ts. Once
   * per thread and lane: the memory outlives the server.
   */
  requestWords(server: ServerHandle, lane?: number): ArrayBuffer;
  /**
   * The hot call: answers the lane's last request with the answer words, then waits for the next; what came is in the
   * words. A lane has one thread at a time, and a thread one lane: the function serves what its thread has bound last.
   */
  bindServe(server: ServerHandle, lane?: number): () => void;
  /**
   * As {@link Addon.bindServe}, for the requests of an adopted server that its last device model had in hand. Does not wait:
   * without a further request it comes back with `interrupted`. Until then it is called in place of the other.
   */
  bindInherited(server: ServerHandle, lane?: number): () => void;
  /**
   * Starts a native thread for each lane that serves registers of 4 bytes at these ports and guest addresses, at most 256
   * of each: the yardstick. Ends with the server.
   *
   * @param scans how often it looks at all registers in vain first, for each request: slower on purpose
   */
  startReference(server: ServerHandle, ports: Uint16Array, addresses?: Float64Array, scans?: number): void;
  /** The same, but every read of anything gets this value, cut to its width, and no write has an effect. */
  startConstant(server: ServerHandle, value: number): void;
  /** From now on no request of the server is recorded: for what recording costs. */
  stopRecording(server: ServerHandle): void;
  /** A copy of the newest trace records of each lane, in the order of taking: see src/trace/record.ts. */
  readTrace(server: ServerHandle): ArrayBuffer;

  /** Starts the thread that answers in place of handlers stuck for longer than this. Main thread. */
  startWatchdog(limitMs: number): void;
  /** True once this lane, or any when none is named, was taken away from a stuck handler. */
  watchdogFired(server: ServerHandle, lane?: number): boolean;

  /**
   * Calls back on the main thread's event loop whenever a vCPU has read the control port; of an adopted server at once for
   * those that still wait. One server. Main thread.
   */
  watchControl(server: ServerHandle, asked: (vcpu: number) => void): void;
  unwatchControl(): void;
  /** Answers a vCPU that has asked; false when it has not. Main thread. */
  answerControl(server: ServerHandle, vcpu: number, value: number): boolean;

  /** Maps frames of the guest, writable. Throws when one of them has no memory. */
  mapMemory(gfn: number, frames: number): ArrayBuffer;
  /** Gives them back; the buffer is detached. */
  unmapMemory(buffer: ArrayBuffer): void;
  /**
   * Shows this processor's TSC so many times in a mapped page, where the guest shows its own: src/native/clock.h.
   *
   * @returns the smallest distance from what the guest showed to the TSC after it was read; Infinity when it showed nothing
   */
  showClock(page: ArrayBuffer, turns: number): number;
  /**
   * Tells Xen that the first `count` of these frames were written through mappings, so that a live migration sends them
   * again; does nothing while none goes on (xendevicemodel_modified_memory).
   */
  modifiedMemory(frames: Float64Array, count: number): void;

  /**
   * Says that the guest has the 8259 interrupt controllers, as HVM guests do and PVH guests do not. Without it
   * `setIsaIrqLevel` and `setPciLinkRoute` throw, since Xen would crash: src/native/device_model_calls.c.
   */
  allowIsaInterrupts(): void;
  hasIsaInterrupts(): boolean;
  /** Level (0 or 1) of an ISA interrupt line, 0 to 15. One bit in Xen for each line, whoever sets it. */
  setIsaIrqLevel(irq: number, level: number): void;
  /** Level of a PCI interrupt line (0 is INTA#) of a device on bus 0 of segment 0. */
  setPciIntxLevel(device: number, line: number, level: number): void;
  /** Which ISA interrupt a PCI link (0 to 3) raises besides its own; 0 is none. */
  setPciLinkRoute(link: number, irq: number): void;
  /** Sends a message-signalled interrupt: what a device would write, and where (0xfeexxxxx). */
  injectMsi(address: number, data: number): void;
  /**
   * Injects an event into a vCPU when it next runs; `type` is X86_EVENTTYPE_* of Xen's asm/x86-defs.h, `extra` the
   * address of a page fault. Throws EBUSY while another one waits.
   */
  injectEvent(
    vcpu: number,
    vector: number,
    type: number,
    errorCode: number,
    instructionBytes: number,
    extra: number,
  ): void;

  /**
   * For tests of Xen: a function of libxendevicemodel on this guest by its {@link DmOpName}, with arguments as they are.
   * What libxen does not refuse goes to Xen, which may crash guest or host for it. Main thread.
   *
   * @returns what the call gave
   */
  dmOp(op: DmOpName, args: readonly (number | bigint)[]): bigint[];
  /** For tests of Xen: maps a frame of a server's resource, by Xen's id. Main thread. */
  mapResource(id: number, frame: number | bigint): ArrayBuffer;
  /** Gives it back; the buffer is detached. Main thread. */
  unmapResource(buffer: ArrayBuffer): void;
  /** For tests of Xen: binds a channel of the guest on a handle that nobody waits on. Main thread. */
  bindPort(port: number): number;
  unbindPort(local: number): void;
  notifyPort(local: number): void;
}

/**
 * Loads the addon from a file.
 *
 * @throws LabError `ADDON_NOT_LOADED` when the file is missing or does not fit this machine.
 */
export function loadAddon(file: string): Addon {
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (error) {
    throw new LabError(`the native addon ${file} cannot be loaded: ${messageOf(error)}`, {
      blame: 'harness',
      code: 'ADDON_NOT_LOADED',
      next: 'make -C src/native',
      cause: error,
    });
  }
}
