import { describe, expect, it } from 'vitest';
import { hvmParam } from '../../abi/hvm-param.ts';
import { ioreqState } from '../../abi/ioreq.ts';
import { doIo, handlePio } from './do-io.ts';
import { doResume } from './do-resume.ts';
import { isRunnable, type PatchForm } from './domain.ts';
import { initIoreqServer } from './init-ioreq-server.ts';
import { sendAssistReq, sendInvalidateReq } from './send-assist-req.ts';
import { addVcpu } from './add-vcpu.ts';
import { setIoreqServerPfn } from './set-ioreq-server-pfn.ts';
import { Emulator } from './testing/emulator.ts';
import {
  bufioreqGfn,
  dom0,
  guest,
  held,
  ioreqGfn,
  makeGuest,
  makeHost,
  otherGfn,
  request,
  stub,
} from './testing/rig.ts';

const forms: PatchForm[] = ['rfc', 'merged'];
const xenBug = expect.objectContaining({ code: 'XEN_BUG' }) as Error;

describe('a vCPU whose second channel cannot be allocated', () => {
  it.each(['ENOMEM', 'ENOSPC'] as const)('gives the first back and fails with %s; it can be tried again', (errno) => {
    const host = makeHost(0);
    const before = held(host);
    host.channels.failAllocation(2, errno);
    expect(host.createVcpu(guest, 0)).toBe(errno);
    expect(held(host)).toEqual(before);
    expect(host.getParam(dom0, guest, hvmParam.bufioreqEvtchn)).toBe(0n);
    expect(host.createVcpu(guest, 0)).toBeUndefined();
    expect(held(host)).toEqual({ ...before, ports: 2, objects: before.objects + 1 });
    expect(host.getParam(dom0, guest, hvmParam.bufioreqEvtchn)).toBe(2n);
  });

  it('has a second one only if it is vCPU 0', () => {
    const host = makeHost(0);
    host.channels.failAllocation(2);
    expect([host.createVcpu(guest, 1), host.channels.ports(guest).length]).toEqual([undefined, 1]);
    expect(host.createVcpu(guest, 2)).toBe('ENOMEM');
  });

  it.each([1, 2, 3])('and so for whatever fails: step %i', (step) => {
    const host = makeHost(1);
    const before = held(host);
    if (step === 1) host.heap.failAllocation(1);
    else host.channels.failAllocation(step - 1);
    expect(host.createVcpu(guest, 1)).toBe(step === 3 ? undefined : 'ENOMEM');
    if (step !== 3) expect(held(host)).toEqual(before);
  });
});

describe('the request in flight, kept per vCPU', () => {
  /** A second server of the guest, as the later patches of the series allow, with its page and channels. */
  function addSecondServer(host: ReturnType<typeof makeHost>) {
    const domain = host.domain(guest);
    const first = domain.ioreqServer;
    initIoreqServer(domain, dom0);
    const second = domain.ioreqServer;
    domain.ioreqServer = first;
    if (first === undefined || second === undefined) throw new Error('no server');
    for (const vcpu of domain.vcpus.values()) addVcpu(second, vcpu);
    setIoreqServerPfn(second, otherGfn);
    domain.pauseCount = 0;
    return { first, second };
  }

  it('is one of the servers: only its slot is waited for', () => {
    const { host, emulator } = makeGuest(1, 'rfc');
    const { first, second } = addSecondServer(host);
    const vcpu = host.vcpu(guest, 0);
    sendAssistReq(vcpu, request(), first);
    expect(vcpu.inFlight).toBe(first);
    expect(doResume(vcpu)).toBe('waits');
    emulator.take(0);
    emulator.answer(0, 1n);
    expect([doResume(vcpu), vcpu.inFlight]).toEqual(['runs', undefined]);
    sendAssistReq(vcpu, request(), second);
    expect(vcpu.inFlight).toBe(second);
    expect([emulator.slot(0).state, doResume(vcpu)]).toEqual([ioreqState.none, 'waits']);
  });

  it('is in all of them for INVALIDATE: one memory is too little, and the next request finds its slot in use', () => {
    const { host, emulator } = makeGuest(1, 'rfc');
    const { first, second } = addSecondServer(host);
    const vcpu = host.vcpu(guest, 0);
    const slotOfSecond = (state: number): void => {
      const bytes = second.ioreq?.bytes;
      if (bytes === undefined) throw new Error('no page');
      new Uint8Array(bytes)[30] = state;
    };
    for (const server of [first, second]) sendAssistReq(vcpu, request({ type: 8, count: 0 }), server);
    expect(vcpu.inFlight).toBe(second);
    slotOfSecond(ioreqState.responseReady);
    vcpu.isBlockedInXen = false;
    expect(doResume(vcpu)).toBe('runs');
    expect(emulator.slot(0).state).toBe(ioreqState.ready);
    expect(sendAssistReq(vcpu, request(), first)).toBe(false);
    expect(host.domain(guest).crash).toBe('Device model set bad IO state 1.');
  });

  it('is all that the posted patch looks at; the merged one looks at the slot in any case', () => {
    for (const form of forms) {
      const { host, emulator } = makeGuest(1, form);
      emulator.slot(0).state = 9;
      expect(doResume(host.vcpu(guest, 0))).toBe(form === 'rfc' ? 'runs' : 'crashed');
    }
  });

  it('is of one vCPU: others run, and send theirs at the same time', () => {
    for (const form of forms) {
      const { host, emulator } = makeGuest(3, form);
      const vcpus = [0, 1, 2].map((id) => host.vcpu(guest, id));
      for (const id of [0, 2]) handlePio(host.vcpu(guest, id), 0x5000 + id, 4, true);
      expect(vcpus.map(doResume)).toEqual(['waits', 'runs', 'waits']);
      expect([0, 1, 2].map((id) => emulator.take(id)?.addr)).toEqual([0x5000n, undefined, 0x5002n]);
      emulator.answer(2, 0x22n);
      expect(vcpus.map(doResume)).toEqual(['waits', 'runs', 'runs']);
      emulator.answer(0, 0x11n);
      expect(vcpus.map(doResume)).toEqual(['runs', 'runs', 'runs']);
      expect(vcpus.map(({ rax }) => rax)).toEqual([0x11n, 0n, 0x22n]);
    }
  });
});

describe('the double pause until both pages are set', () => {
  const pages = [hvmParam.ioreqPfn, hvmParam.bufioreqPfn] as const;

  it.each([
    ['the synchronous page first', [0, 1]],
    ['the buffered page first', [1, 0]],
  ])('%s: one is not enough, both are', (_name, order) => {
    const host = makeHost(1);
    const domain = host.domain(guest);
    const runs = [domain.pauseCount, isRunnable(host.vcpu(guest, 0))];
    for (const which of order) {
      expect(host.setParam(dom0, guest, pages[which] ?? 0, BigInt(ioreqGfn + which))).toBeUndefined();
      runs.push(domain.pauseCount, isRunnable(host.vcpu(guest, 0)));
    }
    expect(runs).toEqual([2, false, 1, false, 0, true]);
  });

  it('a page that was set cannot be set again, and that takes no second pause back', () => {
    for (const which of [0, 1]) {
      const host = makeHost(1);
      const domain = host.domain(guest);
      host.setParam(dom0, guest, pages[which] ?? 0, BigInt(ioreqGfn));
      expect(host.setParam(dom0, guest, pages[which] ?? 0, BigInt(otherGfn))).toBe('EINVAL');
      expect(host.setParam(dom0, guest, pages[which] ?? 0, BigInt(ioreqGfn))).toBe('EINVAL');
      expect([domain.pauseCount, domain.frames.mappings]).toEqual([1, 1]);
      expect(domain.frames.get(otherGfn)?.mappings).toBe(0);
      expect(host.getParam(dom0, guest, pages[which] ?? 0)).toBe(BigInt(ioreqGfn));
    }
  });

  it('before 16e2a7596e the second call released the page in use and kept the new one', () => {
    const { host } = makeGuest(1, 'rfc');
    const { frames } = host.domain(guest);
    expect(host.setParam(guest, guest, hvmParam.ioreqPfn, BigInt(otherGfn))).toBe('EINVAL');
    expect([ioreqGfn, otherGfn].map((gfn) => frames.get(gfn)?.mappings)).toEqual([0, 1]);
    expect(() => handlePio(host.vcpu(guest, 0), 0x5000, 1, false)).toThrow(xenBug);
  });

  it('a dying domain takes none; before 16e2a7596e it kept the mapping', () => {
    for (const form of forms) {
      const host = makeHost(1, form);
      host.domain(guest).isDying = true;
      expect(host.setParam(dom0, guest, hvmParam.bufioreqPfn, BigInt(bufioreqGfn))).toBe('EINVAL');
      expect(host.domain(guest).frames.mappings).toBe(form === 'rfc' ? 1 : 0);
      expect([host.domain(guest).ioreqServer?.bufioreq, host.domain(guest).pauseCount]).toEqual([undefined, 2]);
    }
  });

  it('a page that cannot be mapped leaves the domain paused', () => {
    const host = makeHost(1);
    const { frames } = host.domain(guest);
    for (const [gfn, kind] of [
      [1, 'paged'],
      [2, 'shared'],
      [3, 'typed'],
    ] as const)
      frames.add(gfn, kind);
    const set = (gfn: number) => host.setParam(dom0, guest, hvmParam.ioreqPfn, BigInt(gfn));
    expect([1, 2, 3, 4].map(set)).toEqual(['ENOENT', 'ENOENT', 'EINVAL', 'EINVAL']);
    frames.failMapping(1);
    expect([set(ioreqGfn), frames.mappings, host.domain(guest).pauseCount]).toEqual(['ENOMEM', 0, 2]);
    expect(host.getParam(dom0, guest, hvmParam.ioreqPfn)).toBe(0n);
    expect(set(ioreqGfn)).toBeUndefined();
  });

  it('nothing else keeps Xen from a page that is not there', () => {
    const host = makeHost(1);
    expect(() => sendAssistReq(host.vcpu(guest, 0), request())).toThrow(xenBug);
    expect(() => doIo(host.vcpu(guest, 0), request(), true)).toThrow(xenBug);
  });

  it('the ports are in the page whichever comes first, the vCPU or the page', () => {
    const early = makeHost(2);
    early.setParam(dom0, guest, hvmParam.ioreqPfn, BigInt(ioreqGfn));
    early.createVcpu(guest, 2);
    early.setParam(dom0, guest, hvmParam.bufioreqPfn, BigInt(bufioreqGfn));
    const emulator = new Emulator(early, dom0, guest);
    expect([0, 1, 2].map((vcpu) => emulator.slot(vcpu).vpEport)).toEqual([1, 3, 4]);
    expect(early.getParam(dom0, guest, hvmParam.bufioreqEvtchn)).toBe(2n);
  });
});

describe('a bad slot state crashes the domain', () => {
  it.each([4, 5, 9, 15])('%i while the vCPU waits', (state) => {
    for (const form of forms) {
      const { host, emulator } = makeGuest(2, form);
      const vcpu = host.vcpu(guest, 1);
      handlePio(vcpu, 0x5000, 1, true);
      emulator.slot(1).state = state;
      emulator.notify(1);
      expect(doResume(vcpu)).toBe('crashed');
      expect(host.domain(guest).crash).toBe(`Weird HVM iorequest state ${state}.`);
      expect([0, 1].map((id) => isRunnable(host.vcpu(guest, id)))).toEqual([false, false]);
      expect(doResume(host.vcpu(guest, 0))).toBe('crashed');
    }
  });

  it.each([1, 2, 3, 4, 15])('%i when a request is to be sent', (state) => {
    for (const form of forms) {
      const { host, emulator } = makeGuest(1, form);
      emulator.slot(0).state = state;
      expect(sendAssistReq(host.vcpu(guest, 0), request())).toBe(false);
      expect(host.domain(guest)).toMatchObject({
        shutdownReason: 'crash',
        crash: `Device model set bad IO state ${state}.`,
      });
      expect(emulator.take(0)).toBeUndefined();
    }
  });

  it('INPROCESS before an access: of memory it is given up, of a port it crashes the domain, too', () => {
    const { host, emulator } = makeGuest(1);
    emulator.slot(0).state = ioreqState.inProcess;
    expect(doIo(host.vcpu(guest, 0), request({ type: 1 }))).toBe('unhandleable');
    expect(host.domain(guest).crash).toBeUndefined();
    handlePio(host.vcpu(guest, 0), 0x5000, 1, true);
    expect(host.domain(guest).crash).toBe('Weird HVM ioemulation status 1.');
  });

  it('the first reason is the one that is kept', () => {
    const { host, emulator } = makeGuest(2);
    for (const vcpu of [0, 1]) emulator.slot(vcpu).state = 6 + vcpu;
    for (const vcpu of [0, 1]) sendInvalidateReq(host.vcpu(guest, vcpu));
    expect(host.domain(guest).crash).toBe('Device model set bad IO state 6.');
  });

  it('READY and INPROCESS are not bad, nor is going back from one to the other (until XSA-262)', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    handlePio(vcpu, 0x5000, 1, true);
    for (const state of [ioreqState.inProcess, ioreqState.ready, ioreqState.inProcess]) {
      emulator.slot(0).state = state;
      emulator.notify(0);
      expect(doResume(vcpu)).toBe('waits');
    }
    emulator.answer(0, 0x7fn);
    expect([doResume(vcpu), vcpu.rax]).toEqual(['runs', 0x7fn]);
  });
});

describe('the channels are replaced when the emulating domain changes', () => {
  const change = (host: ReturnType<typeof makeHost>, domid: number) =>
    host.setParam(dom0, guest, hvmParam.dmDomain, BigInt(domid));

  it('the old ones are freed, the new ones are for the new domid and in the slots, the guest is paused meanwhile', () => {
    const { host, emulator } = makeGuest(3);
    const before = held(host);
    const old = host.channels.ports(guest).map(({ port }) => port);
    expect(change(host, stub)).toBeUndefined();
    expect(held(host)).toEqual(before);
    const ports = host.channels.ports(guest);
    expect(ports.map(({ state, remoteDomid }) => [state, remoteDomid])).toEqual(old.map(() => ['unbound', stub]));
    const named = [0, 1, 2].map((vcpu) => emulator.slot(vcpu).vpEport);
    const buffered = Number(host.getParam(dom0, guest, hvmParam.bufioreqEvtchn));
    expect([...named, buffered].sort((a, b) => a - b)).toEqual(ports.map(({ port }) => port));
    expect(ports.filter(({ vcpu }) => vcpu === 0)).toHaveLength(2);
    expect(host.channels.ports(dom0).every(({ state }) => state === 'unbound')).toBe(true);
    expect(host.getParam(dom0, guest, hvmParam.dmDomain)).toBe(BigInt(stub));
    expect([host.domain(guest).pauseCount, host.domain(guest).ioreqServer?.domid]).toEqual([0, stub]);
  });

  it('a new one is had before the old one is freed: the newest vCPU first, and of vCPU 0 the buffered one', () => {
    const { host, emulator } = makeGuest(2);
    change(host, stub);
    expect([emulator.slot(1).vpEport, Number(host.getParam(dom0, guest, hvmParam.bufioreqEvtchn))]).toEqual([4, 3]);
    expect(emulator.slot(0).vpEport).toBe(2);
  });

  it('the same domain again changes nothing', () => {
    const { host } = makeGuest(2);
    const ports = host.channels.ports(guest);
    const { allocations } = host.channels;
    expect(change(host, dom0)).toBeUndefined();
    expect([host.channels.ports(guest), host.channels.allocations]).toEqual([ports, allocations]);
  });

  it('a request in flight goes to the new emulator, told by its binding; the old one cannot answer it', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    handlePio(vcpu, 0x5000, 4, true);
    change(host, stub);
    expect(doResume(vcpu)).toBe('waits');
    emulator.notify(0);
    expect(vcpu.isBlockedInXen).toBe(true);
    const successor = new Emulator(host, stub, guest);
    expect(successor.take(0)?.addr).toBe(0x5000n);
    successor.answer(0, 0xabcdn);
    expect([doResume(vcpu), vcpu.rax]).toEqual(['runs', 0xabcdn]);
  });

  it('entries of the ring that nobody has read go to the new emulator, too', () => {
    const { host } = makeGuest(1);
    doIo(host.vcpu(guest, 0), request({ type: 1, addr: 0xa0000n, data: 7n }), true);
    change(host, stub);
    expect(new Emulator(host, stub, guest).drain().map(({ data }) => data)).toEqual([7n]);
  });

  it('an answer that was written but not sent before is never noticed', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    handlePio(vcpu, 0x5000, 4, true);
    emulator.take(0);
    emulator.write(0, 1n);
    change(host, stub);
    emulator.notify(0);
    const successor = new Emulator(host, stub, guest);
    expect(successor.take(0)).toBeUndefined();
    expect(doResume(vcpu)).toBe('waits');
    successor.notify(0);
    expect([doResume(vcpu), vcpu.rax]).toEqual(['runs', 1n]);
  });

  it('when one cannot be had: nothing leaks, the rest keep theirs, and asking again mends nothing', () => {
    // vCPU 2, vCPU 1, the buffered one, vCPU 0.
    const expected: [failing: number, replaced: number][] = [
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
    ];
    for (const [failing, replaced] of expected) {
      const { host } = makeGuest(3);
      const before = held(host);
      host.channels.failAllocation(failing, 'ENOSPC');
      expect(change(host, stub)).toBe('ENOSPC');
      const forStub = () => host.channels.ports(guest).filter(({ remoteDomid }) => remoteDomid === stub).length;
      expect([held(host), forStub(), host.domain(guest).pauseCount]).toEqual([before, replaced, 0]);
      expect(host.getParam(dom0, guest, hvmParam.dmDomain)).toBe(0n);
      expect([change(host, stub), forStub()]).toEqual([undefined, replaced]);
      const buffered = Number(host.getParam(dom0, guest, hvmParam.bufioreqEvtchn));
      expect(host.channels.ports(guest).find(({ port }) => port === buffered)?.remoteDomid).toBe(
        failing > 3 ? stub : dom0,
      );
    }
  });
});

describe('what the emulator can do with its slot', () => {
  it('the port in it is what Xen tells: one that is none of its own is the end of Xen (until 125833f5f1, July 2014)', () => {
    const { host, emulator } = makeGuest(2);
    emulator.slot(0).vpEport = emulator.slot(1).vpEport;
    handlePio(host.vcpu(guest, 0), 0x5000, 1, false);
    expect([emulator.take(1), host.channels.ports(guest).length]).toEqual([undefined, 3]);
    emulator.slot(1).vpEport = 999;
    expect(() => handlePio(host.vcpu(guest, 1), 0x5000, 1, false)).toThrow(xenBug);
  });

  it('an answer to a request that is none is swallowed by the merged patch', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    vcpu.rax = 5n;
    emulator.answer(0, 9n);
    expect([doResume(vcpu), vcpu.rax, emulator.slot(0).state]).toEqual(['runs', 5n, ioreqState.none]);
  });

  it('of an answer only data counts', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    handlePio(vcpu, 0x5000, 2, true);
    emulator.slot(0).write(request({ data: 0x12345678n, size: 4, count: 99, addr: 1n, type: 8 }));
    emulator.slot(0).state = ioreqState.responseReady;
    emulator.notify(0);
    expect([doResume(vcpu), vcpu.rax]).toEqual(['runs', 0x5678n]);
  });
});
