import { describe, expect, it } from 'vitest';
import { probeAnswer } from '../server/dm-op-probe.ts';
import { type GuestState, ModelledGuest, type Step } from './conformance.ts';
import type { ModelOp } from './xen/dm-op-call.ts';

const area = { gfn: 0x2800, frames: 4 };
const guest = (environment: GuestState['environment'], xenVersion = '4.20'): ModelledGuest => {
  const modelled = new ModelledGuest({ xenVersion, environment, vcpus: 2, controlPort: 0xe500 });
  modelled.begin(area);
  return modelled;
};
const op = (name: ModelOp, ...args: (number | bigint)[]): Step => ({ kind: 'op', op: name, args: args.map(BigInt) });
const read = (addr: number): Step => ({ kind: 'look', accesses: [{ type: 'pio', addr, size: 2, isRead: true }] });

describe('the model in the place of a guest', () => {
  it("begins with QEMU's server and ours, or ours alone", () => {
    expect(guest('hvm').run(op('createIoreqServer', 0))).toMatchObject({ outcome: { ok: true, values: [2n] } });
    expect(guest('pvh').run(op('createIoreqServer', 0))).toMatchObject({ outcome: { ok: true, values: [1n] } });
  });

  it('says what an access reads and who sees it; not what QEMU answers', () => {
    const modelled = guest('hvm');
    for (const step of [
      op('createIoreqServer', 0),
      op('acquireResource', 2, 1),
      op('mapIoRange', 2, 0, 0x5000, 0x5003),
    ]) {
      expect(modelled.run(step)).toMatchObject({ outcome: { ok: true } });
    }
    expect(modelled.run(read(0x5002))).toEqual({ kind: 'look', accesses: [{ value: 0xffffn }], seen: [] });
    modelled.run(op('setIoreqServerState', 2, 1));
    expect(modelled.run(read(0x5002))).toMatchObject({
      accesses: [{ value: probeAnswer(2) & 0xffffn }],
      seen: [{ server: 2, vcpu: 0, request: { addr: 0x5002n, size: 2 } }],
    });
    expect(modelled.run(read(0xcfc))).toEqual({ kind: 'look', accesses: [{ value: undefined }], seen: [] });
  });

  it('does not make what real Xen, its guest or other servers would not survive', () => {
    const modelled = guest('pvh');
    for (let i = 0; i < 2; i++) modelled.run(op('createIoreqServer', 0));
    modelled.run(op('getIoreqServerInfo', 1, 1));
    for (const step of [
      op('destroyIoreqServer', 0),
      op('setIoreqServerState', 0x1_0000, 0),
      op('setIoreqServerState', 2, 1),
      op('acquireResource', 1, 1),
      op('setIsaIrqLevel', 5, 257),
      op('setPciIntxLevel', 0, 0, 0x10, 0, 1),
      op('injectEvent', 0, 14, 3, 0, 0, 0),
      op('injectMsi', 0xfee0_0000, 0x30),
      op('injectMsi', 0xfee0_1000, 0),
      op('remoteShutdown', 0),
      op('setMemType', 1, 0x27ff, 2),
      op('setMemType', 1, 0x2803, 2),
      op('trackDirtyVram', 0, 1),
      op('relocateMemory', 1, 0x2800, 0x3000),
    ]) {
      expect(
        modelled.run(step),
        JSON.stringify(step, (_, part: unknown) => String(part)),
      ).toMatchObject({ kind: 'unsafe' });
    }
    expect(modelled.run(op('setIsaIrqLevel', 16, 1))).toMatchObject({ outcome: { errno: 'EINVAL' } });
    expect(modelled.run(op('setMemType', 1, 0x2803, 1))).toMatchObject({ outcome: { ok: true } });
  });

  it('ends with what puts the guest back, and goes on from there', () => {
    const modelled = guest('hvm');
    for (const step of [
      op('createIoreqServer', 0),
      op('acquireResource', 2, 1),
      op('mapMemType', 2, 4, 2),
      op('setMemType', 4, 0x2801, 2),
      op('pinMemoryCacheattr', 7, 9, 6),
      op('setIsaIrqLevel', 10, 1),
      op('trackDirtyVram', 0x2800, 1),
    ]) {
      expect(modelled.run(step)).toMatchObject({ outcome: { ok: true } });
    }
    expect(modelled.end()).toEqual([
      op('setMemType', 0, 0x2801, 1),
      op('setMemType', 0, 0x2802, 1),
      op('trackDirtyVram', 0, 0),
      op('pinMemoryCacheattr', 7, 9, 0xffff_ffff),
      op('setIsaIrqLevel', 10, 0),
    ]);
    expect(modelled.end()).toEqual([]);
    expect(modelled.domain.servers.all.map(({ id }) => id)).toEqual([1, 0]);
  });
});
