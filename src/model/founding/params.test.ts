import { describe, expect, it } from 'vitest';
import { domidSelf, hvmParam } from '../../abi/hvm-param.ts';
import { dom0, guest, ioreqGfn, makeGuest, makeHost, otherGfn, stub } from './testing/rig.ts';

const { ioreqPfn, bufioreqPfn, dmDomain, bufioreqEvtchn } = hvmParam;

describe('the HVM parameters', () => {
  it('read as 0 until set, and then as what was set', () => {
    const host = makeHost(0);
    const read = () =>
      [ioreqPfn, bufioreqPfn, dmDomain, bufioreqEvtchn].map((index) => host.getParam(dom0, guest, index));
    expect(read()).toEqual([0n, 0n, 0n, 0n]);
    host.createVcpu(guest, 0);
    host.setParam(dom0, guest, ioreqPfn, BigInt(ioreqGfn));
    host.setParam(dom0, guest, dmDomain, BigInt(stub));
    expect(read()).toEqual([BigInt(ioreqGfn), 0n, BigInt(stub), 3n]);
  });

  it.each([
    ['index 32', dom0, guest, 32, 'EINVAL'],
    ['no such domain', dom0, 99, ioreqPfn, 'ESRCH'],
    ['a PV domain', dom0, stub, ioreqPfn, 'EINVAL'],
    ['a stranger', 5, guest, ioreqPfn, 'EPERM'],
  ] as const)('%s: reading and setting', (_name, caller, domid, index, errno) => {
    const { host } = makeGuest(1);
    host.createDomain(5, { kind: 'pv' });
    expect([host.getParam(caller, domid, index), host.setParam(caller, domid, index, 1n)]).toEqual([errno, errno]);
  });

  it('PVH has none of them', () => {
    const host = makeHost(0);
    host.createDomain(6, { kind: 'pvh' });
    host.createVcpu(6, 0);
    expect([host.getParam(dom0, 6, ioreqPfn), host.channels.ports(6), host.domain(6).pauseCount]).toEqual([
      'EINVAL',
      [],
      0,
    ]);
  });

  it('are for dom0, the stub domain and the guest itself', () => {
    const { host } = makeGuest(1);
    for (const caller of [dom0, stub, guest]) expect(host.getParam(caller, guest, ioreqPfn)).toBe(BigInt(ioreqGfn));
    expect(host.getParam(guest, domidSelf, ioreqPfn)).toBe(BigInt(ioreqGfn));
    expect(host.setParam(guest, domidSelf, ioreqPfn, BigInt(otherGfn))).toBe('EINVAL');
  });

  it('BUFIOREQ_EVTCHN is only read', () => {
    const { host } = makeGuest(1);
    expect([host.setParam(dom0, guest, bufioreqEvtchn, 1n), host.getParam(dom0, guest, bufioreqEvtchn)]).toEqual([
      ...['EINVAL', 2n],
    ]);
  });

  it('DM_DOMAIN is not for the guest; SELF is the caller; no domain needs to be there; 16 bits count', () => {
    const { host } = makeGuest(1);
    const server = host.domain(guest).ioreqServer;
    expect([host.setParam(guest, guest, dmDomain, 0n), host.setParam(guest, domidSelf, dmDomain, 0n)]).toEqual([
      ...['EPERM', 'EPERM'],
    ]);
    expect(host.setParam(stub, guest, dmDomain, BigInt(domidSelf))).toBeUndefined();
    expect([server?.domid, host.getParam(dom0, guest, dmDomain)]).toEqual([stub, BigInt(stub)]);
    expect(host.setParam(dom0, guest, dmDomain, 77n)).toBeUndefined();
    expect(host.channels.ports(guest).map(({ remoteDomid }) => remoteDomid)).toEqual([77, 77]);
    expect(host.setParam(dom0, guest, dmDomain, 0x1_0000n)).toBeUndefined();
    expect([server?.domid, host.getParam(dom0, guest, dmDomain)]).toEqual([0, 0x1_0000n]);
  });

  it('others are not modelled', () => {
    const { host } = makeGuest(1);
    expect(() => host.getParam(dom0, guest, 0)).toThrow(expect.objectContaining({ code: 'PARAM_NOT_MODELLED' }));
  });
});
