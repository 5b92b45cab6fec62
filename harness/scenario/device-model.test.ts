import { describe, expect, it } from 'vitest';
import type { ProbeOutcome, ProbeStep } from '../../src/server/dm-op-probe.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { DeviceModel } from './device-model.ts';
import { memory, pciFunction, ports } from './ranges.ts';

/** A guest whose Xen gives ids as they are said here, and refuses what it is told to. */
function make(ids: number[], refuses: (step: ProbeStep) => string | undefined = () => undefined) {
  const steps: ProbeStep[] = [];
  const guest = {
    createServer: async () => ids.shift() ?? -1,
    attachConstant: async () => undefined,
    closeServer: async (server: string) => ({ server, xenId: 0, counters: undefined, trace: new Uint8Array() }),
    dmOps: async (made: readonly ProbeStep[]): Promise<ProbeOutcome[]> => {
      steps.push(...made);
      return made.map((step) => {
        const errno = refuses(step);
        return errno === undefined ? { ok: true, values: [] } : { ok: false, errno };
      });
    },
  };
  return { steps, deviceModel: new DeviceModel(guest as unknown as GuestSession) };
}

describe('the ranges of a server', () => {
  it('are asked of Xen as they are, and the oracle hears of them', async () => {
    const { steps, deviceModel } = make([3]);
    await deviceModel.mapRanges('main', ports(0x5000, 0x5007), memory(0x1000, 0x1fff), pciFunction('0002:01:1f.7'));
    await deviceModel.unmapRanges('main', ports(0x5002, 0x5003));
    expect(steps).toEqual([
      { op: 'mapIoRange', args: [3n, 0n, 0x5000n, 0x5007n] },
      { op: 'mapIoRange', args: [3n, 1n, 0x1000n, 0x1fffn] },
      { op: 'mapPcidev', args: [3n, 2n, 1n, 0x1fn, 7n] },
      { op: 'unmapIoRange', args: [3n, 0n, 0x5002n, 0x5003n] },
    ]);
    expect(deviceModel.layout).toEqual([
      {
        ...{ name: 'main', isEnabled: true, hasBars: false },
        ranges: [ports(0x5000, 0x5001), ports(0x5004, 0x5007), memory(0x1000, 0x1fff), pciFunction('0002:01:1f.7')],
      },
    ]);
  });

  it('that Xen refuses are not noted; the others are', async () => {
    const { deviceModel } = make([1], ({ args }) => (args[2] === 0x5000n ? 'EEXIST' : undefined));
    await expect(deviceModel.mapRanges('main', ports(0x5000), ports(0x5001))).rejects.toMatchObject({
      blame: 'scenario',
      code: 'EEXIST',
    });
    expect(deviceModel.layout).toMatchObject([{ ranges: [ports(0x5001)] }]);
  });
});

describe('the servers of a scenario', () => {
  it('are in the order of their ids, whichever was made first', async () => {
    const { steps, deviceModel } = make([1, 2, 1]);
    await deviceModel.attachConstant({ server: 'a', value: 1 });
    await deviceModel.attachConstant({ server: 'b', value: 1 });
    await deviceModel.closeServer('a');
    await deviceModel.attachConstant({ server: 'c', value: 1 });
    expect(await deviceModel.xenId('b')).toBe(2);
    await deviceModel.setEnabled('b', false);
    expect(deviceModel.layout).toEqual([
      { name: 'c', isEnabled: true, ranges: [], hasBars: false },
      { name: 'b', isEnabled: false, ranges: [], hasBars: false },
    ]);
    expect(steps).toEqual([{ op: 'setIoreqServerState', args: [2n, 0n] }]);
  });
});
