import { createRequire } from 'node:module';
import { LabError, messageOf } from '../errors.ts';

/** Names a server of this process; not Xen's id, which {@link Addon.serverId} tells. */
export type ServerHandle = number;

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

  /** Creates an ioreq server in Xen, maps its page and opens its event channels. Main thread. */
  createServer(): ServerHandle;
  /**
   * Xen's ids of the ioreq servers of a domain that were created in this dom0, by whichever process. Also without `open`.
   */
  serversOf(domid: number): number[];
  /**
   * Takes over a server that a process which has died left in Xen; in place of `createServer`, and enabled like a new
   * one. It keeps its ranges, and its vCPUs' requests wait in it. Main thread.
   *
   * @param xenId must be one that the dead process had created
   */
  adoptServer(xenId: number): ServerHandle;
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
  /** Makes the serving thread come back from its wait. */
  interruptServer(server: ServerHandle): void;
  /** How long the serving thread looks at the slots before it blocks, in TSC cycles; 0 blocks at once. */
  setSpin(server: ServerHandle, cycles: number): void;

  /**
   * The 16 words through which request and answer pass: see src/server/request.ts. Once per thread and handle: the
   * memory outlives the server.
   */
  requestWords(server: ServerHandle): ArrayBuffer;
  /**
   * The hot call: answers the last request with the answer words, then waits for the next; what came is in the words.
   * One thread at a time.
   */
  bindServe(server: ServerHandle): () => void;
  /**
   * As {@link Addon.bindServe}, for the requests of an adopted server that its last device model had in hand. Does not wait:
   * without a further request it comes back with `interrupted`. Until then it is called in place of the other.
   */
  bindInherited(server: ServerHandle): () => void;
  /** Starts a native thread that serves 4-byte registers at these ports: the yardstick. Ends with the server. */
  startReference(server: ServerHandle, ports: Uint16Array): void;
  /** A copy of the newest trace records, oldest first: see src/trace/record.ts. */
  readTrace(server: ServerHandle): ArrayBuffer;

  /** Starts the thread that answers in place of handlers stuck for longer than this. Main thread. */
  startWatchdog(limitMs: number): void;
  /** True once the server was taken away from a stuck handler. */
  watchdogFired(server: ServerHandle): boolean;

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
   * Tells Xen that the first `count` of these frames were written through mappings, so that a live migration sends them
   * again; does nothing while none goes on (xendevicemodel_modified_memory).
   */
  modifiedMemory(frames: Float64Array, count: number): void;

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
