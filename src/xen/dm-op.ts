/**
 * The operations of device models by the names of libxendevicemodel's functions, each with its arguments in that
 * function's order (without handle and domid) and with what it gives. `id` is Xen's id of a server.
 */
export const dmOps = {
  createIoreqServer: { args: ['mode'], gives: ['id'] },
  /** Frames are asked for when `withGfns` is not 0; what Xen did not write is 0. */
  getIoreqServerInfo: { args: ['id', 'withGfns'], gives: ['ioreqGfn', 'bufferedGfn', 'bufferedPort'] },
  mapIoRange: { args: ['id', 'isMemory', 'start', 'end'], gives: [] },
  unmapIoRange: { args: ['id', 'isMemory', 'start', 'end'], gives: [] },
  mapPcidev: { args: ['id', 'segment', 'bus', 'device', 'fn'], gives: [] },
  unmapPcidev: { args: ['id', 'segment', 'bus', 'device', 'fn'], gives: [] },
  mapMemType: { args: ['id', 'type', 'flags'], gives: [] },
  setIoreqServerState: { args: ['id', 'enabled'], gives: [] },
  destroyIoreqServer: { args: ['id'], gives: [] },
  /** Gives how many of the frames are dirty. */
  trackDirtyVram: { args: ['firstGfn', 'frames'], gives: ['dirty'] },
  setPciIntxLevel: { args: ['segment', 'bus', 'device', 'intx', 'level'], gives: [] },
  setIsaIrqLevel: { args: ['irq', 'level'], gives: [] },
  setPciLinkRoute: { args: ['link', 'irq'], gives: [] },
  injectMsi: { args: ['addr', 'data'], gives: [] },
  injectEvent: { args: ['vcpu', 'vector', 'type', 'errorCode', 'instructionLength', 'extra'], gives: [] },
  modifiedMemory: { args: ['firstGfn', 'frames'], gives: [] },
  setMemType: { args: ['type', 'firstGfn', 'frames'], gives: [] },
  relocateMemory: { args: ['frames', 'sourceGfn', 'targetGfn'], gives: [] },
  pinMemoryCacheattr: { args: ['start', 'end', 'type'], gives: [] },
  nrVcpus: { args: [], gives: ['vcpus'] },
  remoteShutdown: { args: ['reason'], gives: [] },
} as const satisfies Record<string, { readonly args: readonly string[]; readonly gives: readonly string[] }>;

/** The name of an operation. */
export type DmOpName = keyof typeof dmOps;
