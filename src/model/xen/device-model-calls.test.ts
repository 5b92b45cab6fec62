import { describe, expect, it } from 'vitest';
import { BufferedPage } from '../../abi/buffered-page.ts';
import type { DeviceModelCalls } from './device-model-calls.ts';
import type { Domain } from './domain.ts';
import { model } from './hypervisor.ts';
import { rangeType } from './ioreq-server.ts';
import { memoryType } from './memory-types.ts';
import { resourceFrame } from './servers.ts';
import { XenError, type XenErrno } from './xen-error.ts';

function guest(version: string, kind: 'hvm' | 'pvh' = 'hvm', hap = true): { domain: Domain; calls: DeviceModelCalls } {
  const domain = model(version).createDomain({ kind, vcpus: 3, hap });
  return { domain, calls: domain.callsOf() };
}

/** What a call gives, or the name of what it is refused with. */
function outcome<T>(call: () => T): T | XenErrno {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof XenError)) throw error;
    return error.code;
  }
}

describe('servers', () => {
  it('get the lowest free id, up to eight', () => {
    const { calls } = guest('4.20');
    const ids = Array.from({ length: 9 }, () => outcome(() => calls.createIoreqServer(0)));
    expect(ids).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 'ENOSPC']);
    calls.destroyIoreqServer(3);
    calls.destroyIoreqServer(5);
    expect(calls.createIoreqServer(2)).toBe(3);
    // The mode is looked at first, and only its lowest byte reaches Xen.
    expect(outcome(() => calls.createIoreqServer(3))).toBe('EINVAL');
    expect(calls.createIoreqServer(0x100)).toBe(5);
  });

  it('have a channel for each vCPU and one for the ring, and give them back when there are no more', () => {
    const domain = model('4.20').createDomain({ kind: 'pvh', vcpus: 128 });
    const calls = domain.callsOf();
    calls.createIoreqServer(1);
    expect(domain.channels.open).toBe(129);
    for (let i = 1; i < 7; i++) calls.createIoreqServer(0);
    expect(domain.channels.open).toBe(129 + 6 * 128);
    // 1023 ports: the eighth has not room enough.
    expect(outcome(() => calls.createIoreqServer(1))).toBe('ENOSPC');
    expect(domain.channels.open).toBe(129 + 6 * 128);
    expect(domain.servers.get(7)).toBeUndefined();
  });

  it("of another domain are nobody else's", () => {
    const { domain, calls } = guest('4.20');
    calls.createIoreqServer(0);
    const stranger = domain.callsOf(5);
    for (const call of [
      () => stranger.destroyIoreqServer(0),
      () => stranger.setIoreqServerState(0, 1),
      () => stranger.getIoreqServerInfo(0, false),
      () => stranger.mapIoRange(0, rangeType.port, 1, 1),
      () => stranger.unmapIoRange(0, rangeType.port, 1, 1),
      () => stranger.acquireResource(0, 1),
      () => stranger.mapMemTypeToIoreqServer(0, memoryType.ioreqServer, 2),
    ]) {
      expect(outcome(call)).toBe('EPERM');
    }
    expect(outcome(() => stranger.destroyIoreqServer(1))).toBe('ENOENT');
  });
});

describe('ranges', () => {
  it('are refused in the order of the checks', () => {
    const { calls } = guest('4.20');
    calls.createIoreqServer(0);
    expect(outcome(() => calls.mapIoRange(5, 7, 2, 1))).toBe('EINVAL');
    expect(outcome(() => calls.mapIoRange(5, 7, 1, 1))).toBe('ENOENT');
    expect(outcome(() => calls.mapIoRange(0, 7, 1, 1))).toBe('EINVAL');
    calls.mapIoRange(0, rangeType.port, 10, 20);
    expect(outcome(() => calls.mapIoRange(0, rangeType.port, 20, 30))).toBe('EEXIST');
    expect(outcome(() => calls.mapIoRange(0, rangeType.memory, 20, 30))).toBeUndefined();
    expect(outcome(() => calls.unmapIoRange(0, rangeType.port, 9, 10))).toBe('ENOENT');
    expect(outcome(() => calls.unmapIoRange(0, rangeType.port, 12, 13))).toBeUndefined();
  });
});

describe('pages', () => {
  it('are resources or frames, not both', () => {
    const { calls, domain } = guest('4.20');
    calls.createIoreqServer(2);
    calls.createIoreqServer(2);
    expect(calls.acquireResource(0, resourceFrame.ioreq)).toBe(calls.acquireResource(0, resourceFrame.ioreq));
    expect(new BufferedPage(calls.acquireResource(0, resourceFrame.buffered)).used).toBe(0);
    expect(outcome(() => calls.getIoreqServerInfo(0, true))).toBe('EPERM');
    expect(calls.getIoreqServerInfo(0, false)).toMatchObject({ ioreqGfn: undefined, bufferedGfn: undefined });
    expect(calls.getIoreqServerInfo(1, true)).toMatchObject({ ioreqGfn: 0xfeff0n, bufferedGfn: 0xfeff1n });
    expect(outcome(() => calls.acquireResource(1, resourceFrame.ioreq))).toBe('EPERM');
    expect(domain.gfns.free).toBe(8);
  });

  it('that a server has not are ENOENT or EINVAL', () => {
    const { calls } = guest('4.20');
    calls.createIoreqServer(0);
    expect(outcome(() => calls.acquireResource(0, resourceFrame.buffered))).toBe('ENOENT');
    expect(outcome(() => calls.acquireResource(0, 2))).toBe('EINVAL');
    expect(outcome(() => calls.acquireResource(0x1_0000, 1))).toBe('EINVAL');
  });

  it('of a frame beyond all are looked up first before 4.15', () => {
    expect(outcome(() => guest('4.14').calls.acquireResource(0, 0xffff_ffff))).toBe('ENOENT');
    expect(outcome(() => guest('4.15').calls.acquireResource(0, 0xffff_ffff))).toBe('EINVAL');
  });

  it('as frames: eight of the pool, then the two legacy ones; before 282ed258a5 those once they are not free', () => {
    const frames = (version: string, kind: 'hvm' | 'pvh', count: number) => {
      const { calls } = guest(version, kind);
      for (let i = 0; i < 8; i++) calls.createIoreqServer(i < count ? 2 : 0);
      return Array.from({ length: 8 }, (_, id) => {
        const info = outcome(() => calls.getIoreqServerInfo(id, true));
        return typeof info === 'string' ? info : Number(info.ioreqGfn);
      });
    };
    const pool = [0xfeff0, 0xfeff2, 0xfeff4, 0xfeff6];
    // Four servers have the pool; the fifth takes both legacy ones; the others get none.
    expect(frames('4.20', 'hvm', 5)).toEqual([...pool, 0xfeffd, 'ENOMEM', 'ENOMEM', 'ENOMEM']);
    expect(frames('4.20', 'pvh', 0)).toEqual([0xfeffd, 0xfeffb, ...Array.from({ length: 6 }, () => 'ENOMEM')]);
    // The first try finds both free and takes them for used; from then on all get the same.
    expect(frames('4.14', 'pvh', 0)).toEqual(['ENOMEM', ...Array.from({ length: 7 }, () => 0xfeffd)]);
  });
});

describe('the memory type of a server', () => {
  const write = 2;

  it('is refused in the order of the checks', () => {
    const { calls } = guest('4.20', 'pvh', false);
    expect(outcome(() => calls.mapMemTypeToIoreqServer(0, 0, 0))).toBe('EOPNOTSUPP');
    const { calls: hap } = guest('4.20');
    expect(outcome(() => hap.mapMemTypeToIoreqServer(0, memoryType.ramRw, write))).toBe('EINVAL');
    expect(outcome(() => hap.mapMemTypeToIoreqServer(0, memoryType.ioreqServer, 1))).toBe('EINVAL');
    expect(outcome(() => hap.mapMemTypeToIoreqServer(0, memoryType.ioreqServer, write))).toBe('ENOENT');
  });

  it('is one server at a time, and frames of one that is gone keep others from it', () => {
    const { calls, domain } = guest('4.20');
    const owners = [calls.createIoreqServer(0), calls.createIoreqServer(0)] as const;
    expect(outcome(() => calls.setMemType(memoryType.ioreqServer, 0x2000, 1))).toBe('EINVAL');
    calls.mapMemTypeToIoreqServer(owners[0], memoryType.ioreqServer, write);
    expect(outcome(() => calls.mapMemTypeToIoreqServer(owners[1], memoryType.ioreqServer, write))).toBe('EBUSY');
    expect(outcome(() => calls.mapMemTypeToIoreqServer(owners[1], memoryType.ioreqServer, 0))).toBe('EINVAL');
    calls.setMemType(memoryType.ioreqServer, 0x2000, 2);
    calls.destroyIoreqServer(owners[0]);
    expect(outcome(() => calls.mapMemTypeToIoreqServer(owners[1], memoryType.ioreqServer, write))).toBe('EBUSY');
    calls.setMemType(memoryType.ramRw, 0x2000, 2);
    calls.mapMemTypeToIoreqServer(owners[1], memoryType.ioreqServer, write);
    calls.setMemType(memoryType.ioreqServer, 0x2000, 1);
    calls.mapMemTypeToIoreqServer(owners[1], memoryType.ioreqServer, 0);
    expect(domain.memory.typeOf(0x2000n)).toBe('ram_rw');
  });
});

describe('frames', () => {
  it('change as far as they may', () => {
    const { calls, domain } = guest('4.20');
    calls.setMemType(memoryType.ramRo, 0x2000, 1);
    calls.setMemType(memoryType.mmioDm, 0x2001, 1);
    // What became a hole stays one; what is before it has changed.
    expect(outcome(() => calls.setMemType(memoryType.ramRw, 0x2000, 3))).toBe('EINVAL');
    expect([0x2000n, 0x2001n].map((gfn) => domain.memory.typeOf(gfn))).toEqual(['ram_rw', 'mmio_dm']);
    expect(outcome(() => calls.setMemType(memoryType.unused, 0x2000, 1))).toBe('EINVAL');
    expect(outcome(() => calls.setMemType(memoryType.ramRw, 0x2000, 0))).toBe('EINVAL');
    expect(outcome(() => calls.setMemType(memoryType.mmioDm, 0xf_f000, 1))).toBe('EINVAL');
    expect(outcome(() => calls.setMemType(memoryType.mmioDm, 0xf_0000, 1))).toBeUndefined();
  });

  it('are tracked one range at a time', () => {
    const { calls } = guest('4.20');
    expect(calls.trackDirtyVram(0x2000, 4)).toBe(4);
    expect(calls.trackDirtyVram(0x2000, 4)).toBe(0);
    expect(calls.trackDirtyVram(0x2000, 3)).toBe(3);
    expect(calls.trackDirtyVram(0, 0)).toBe(0);
    expect(outcome(() => calls.trackDirtyVram(0, 0x4_0001))).toBe('EINVAL');
  });

  it('that overlap are moved without loss from 4.20.4 on', () => {
    for (const [version, left] of [
      ['4.20.3', ['mmio_dm', 'mmio_dm', 'ram_rw']],
      ['4.20.4', ['mmio_dm', 'ram_rw', 'ram_rw']],
    ] as const) {
      const { calls, domain } = guest(version);
      calls.relocateMemory(2, 0x2000, 0x2001);
      expect([0x2000n, 0x2001n, 0x2002n].map((gfn) => domain.memory.typeOf(gfn))).toEqual(left);
    }
  });

  it('have cache attributes, 64 regions of them since XSA-428', () => {
    const pin = (version: string) => {
      const { calls } = guest(version);
      return Array.from({ length: 65 }, (_, i) => outcome(() => calls.pinMemoryCacheattr(i * 2, i * 2, 6))).at(-1);
    };
    expect(pin('4.14.5')).toBeUndefined();
    expect(pin('4.14.6')).toBe('ENOSPC');
    const { calls } = guest('4.20');
    calls.pinMemoryCacheattr(4, 8, 0);
    expect(outcome(() => calls.pinMemoryCacheattr(4, 8, 6))).toBeUndefined();
    expect(outcome(() => calls.pinMemoryCacheattr(8, 9, 6))).toBe('EBUSY');
    expect(outcome(() => calls.pinMemoryCacheattr(4, 9, 0xffff_ffff))).toBe('ENOENT');
    expect(outcome(() => calls.pinMemoryCacheattr(4, 8, 0xffff_ffff))).toBeUndefined();
    expect(outcome(() => calls.pinMemoryCacheattr(4, 8, 2))).toBe('EINVAL');
    expect(outcome(() => calls.pinMemoryCacheattr(8, 4, 6))).toBe('EINVAL');
    expect(outcome(() => calls.pinMemoryCacheattr(0, 1n << 40n, 6))).toBe('EINVAL');
  });
});

describe('interrupts', () => {
  it('are levels, counted where they meet', () => {
    const { calls, domain } = guest('4.20');
    calls.setIsaIrqLevel(5, 1);
    calls.setIsaIrqLevel(5, 1);
    expect(domain.interrupts.gsiCount(5)).toBe(1);
    // Device 17, INTA# pulls link 1, which leads to ISA line 5.
    calls.setPciLinkRoute(1, 5);
    calls.setPciIntxLevel(0, 0, 17, 0, 1);
    expect(domain.interrupts.gsiCount(5)).toBe(2);
    calls.setPciLinkRoute(1, 0);
    calls.setIsaIrqLevel(5, 0);
    expect(domain.interrupts.gsiCount(5)).toBe(0);
  });

  it('are refused when there are no such lines, messages or vCPUs', () => {
    const { calls } = guest('4.17');
    for (const call of [
      () => calls.setIsaIrqLevel(16, 0),
      () => calls.setIsaIrqLevel(1, 2),
      () => calls.setPciIntxLevel(1, 0, 0, 0, 0),
      () => calls.setPciIntxLevel(0, 0, 32, 0, 0),
      () => calls.setPciIntxLevel(0, 0, 0, 4, 0),
      () => calls.setPciLinkRoute(4, 0),
      () => calls.injectMsi(0xfee0_0000, 0x230),
      () => calls.injectEvent(3, { vector: 14, type: 3, errorCode: 0, instructionLength: 0, extra: 0n }),
    ]) {
      expect(outcome(call)).toBe('EINVAL');
    }
    expect(outcome(() => calls.injectMsi(0, 0))).toBe('ERANGE');
    const high = 0xffff_ff00_0000_0000n;
    expect(outcome(() => calls.injectMsi(high, 0))).toBe('ERANGE');
    expect(outcome(() => guest('4.18').calls.injectMsi(high, 0))).toBe('EINVAL');
  });

  it('an event waits until its vCPU runs', () => {
    const { calls, domain } = guest('4.20');
    const event = { vector: 14, type: 3, errorCode: 2, instructionLength: 0, extra: 0x1000n };
    calls.injectEvent(1, event);
    expect(outcome(() => calls.injectEvent(1, event))).toBe('EBUSY');
    expect(domain.takeEvent(1)).toEqual(event);
    expect(outcome(() => calls.injectEvent(1, event))).toBeUndefined();
  });
});

it('nr_vcpus came with 4.15', () => {
  expect(outcome(() => guest('4.14').calls.nrVcpus())).toBe('EOPNOTSUPP');
  expect(guest('4.15').calls.nrVcpus()).toBe(3);
});

it('the first reason of a shutdown stays', () => {
  const { calls, domain } = guest('4.20');
  calls.remoteShutdown(77);
  calls.remoteShutdown(3);
  expect(domain.shutdown).toBe(77);
});
