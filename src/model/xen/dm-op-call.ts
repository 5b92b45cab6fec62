import type { DmOpName } from '../../xen/dm-op.ts';
import type { DeviceModelCalls } from './device-model-calls.ts';
import { rangeType } from './ioreq-server.ts';
import { XenError } from './xen-error.ts';

/** A step of a probe (src/server/dm-op-probe.ts), on the model: an operation, or a mapping of a server's page. */
export type ModelOp = DmOpName | 'acquireResource';

/** Longest buffer of a dm_op that dom0's kernel passes on: `privcmd.dm_op_buf_max_size` of Linux. */
const privcmdBytes = 4096;

/** XEN_DMOP_PCI_SBDF of public/hvm/dm_op.h. */
const sbdf = (segment: number, bus: number, device: number, fn: number): number =>
  segment * 0x1_0000 + bus * 0x100 + device * 8 + fn;

/** What libxendevicemodel makes of a PCI function before it asks Xen. */
function pciFunction(segment: number, bus: number, device: number, fn: number): number {
  const [dev, func] = [device & 0xff, fn & 0xff];
  if (dev > 0x1f || func > 7) throw new XenError('EINVAL', 'libxendevicemodel: no such PCI function');
  return sbdf(segment & 0xffff, bus & 0xff, dev, func);
}

/**
 * Makes an operation on the model by its name, with numbers in place of types: as the addon's `dmOp` does on Xen, with
 * libxendevicemodel between, which narrows arguments and has checks of its own.
 *
 * @returns what libxendevicemodel would have given; missing values are 0
 * @throws XenError
 */
export function callByName(calls: DeviceModelCalls, op: ModelOp, args: readonly bigint[]): bigint[] {
  const n = (i: number): number => Number(BigInt.asUintN(32, args[i] ?? 0n));
  const wide = (i: number): bigint => args[i] ?? 0n;
  switch (op) {
    case 'createIoreqServer':
      return [BigInt(calls.createIoreqServer(n(0)))];
    case 'getIoreqServerInfo': {
      const { ioreqGfn, bufferedGfn, bufferedPort } = calls.getIoreqServerInfo(n(0), wide(1) !== 0n);
      return [ioreqGfn ?? 0n, bufferedGfn ?? 0n, BigInt(bufferedPort ?? 0)];
    }
    case 'mapIoRange':
      calls.mapIoRange(n(0), n(1) === 0 ? rangeType.port : rangeType.memory, wide(2), wide(3));
      return [];
    case 'unmapIoRange':
      calls.unmapIoRange(n(0), n(1) === 0 ? rangeType.port : rangeType.memory, wide(2), wide(3));
      return [];
    case 'mapPcidev': {
      const fn = pciFunction(n(1), n(2), n(3), n(4));
      calls.mapIoRange(n(0), rangeType.pci, fn, fn);
      return [];
    }
    case 'unmapPcidev': {
      const fn = pciFunction(n(1), n(2), n(3), n(4));
      calls.unmapIoRange(n(0), rangeType.pci, fn, fn);
      return [];
    }
    case 'setIoreqServerState':
      calls.setIoreqServerState(n(0), n(1) === 0 ? 0 : 1);
      return [];
    case 'destroyIoreqServer':
      calls.destroyIoreqServer(n(0));
      return [];
    case 'nrVcpus':
      return [BigInt(calls.nrVcpus())];
    case 'acquireResource':
      calls.acquireResource(n(0), n(1));
      return [];
    case 'mapMemType':
      calls.mapMemTypeToIoreqServer(n(0), n(1), n(2));
      return [];
    case 'trackDirtyVram':
      if (Math.ceil(n(1) / 8) > privcmdBytes) throw new XenError('E2BIG', 'Linux: too long a buffer');
      return [BigInt(calls.trackDirtyVram(wide(0), n(1)))];
    case 'setPciIntxLevel':
      calls.setPciIntxLevel(n(0), n(1), n(2), n(3), n(4));
      return [];
    case 'setIsaIrqLevel':
      calls.setIsaIrqLevel(n(0), n(1));
      return [];
    case 'setPciLinkRoute':
      calls.setPciLinkRoute(n(0), n(1));
      return [];
    case 'injectMsi':
      calls.injectMsi(wide(0), n(1));
      return [];
    case 'injectEvent':
      calls.injectEvent(n(0), {
        vector: n(1) & 0xff,
        type: n(2) & 0xff,
        errorCode: n(3),
        instructionLength: n(4) & 0xff,
        extra: wide(5),
      });
      return [];
    case 'modifiedMemory':
      calls.modifiedMemory(wide(0), n(1));
      return [];
    case 'setMemType':
      calls.setMemType(n(0), wide(1), n(2));
      return [];
    case 'relocateMemory':
      calls.relocateMemory(n(0), wide(1), wide(2));
      return [];
    case 'pinMemoryCacheattr':
      calls.pinMemoryCacheattr(wide(0), wide(1), n(2));
      return [];
    case 'remoteShutdown':
      calls.remoteShutdown(n(0));
      return [];
  }
}
