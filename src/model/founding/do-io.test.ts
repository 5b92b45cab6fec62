import { describe, expect, it } from 'vitest';
import { ioreqState } from '../../abi/ioreq.ts';
import { doIo, handlePio } from './do-io.ts';
import { doResume } from './do-resume.ts';
import { shutDownDomain } from './domain.ts';
import { sendInvalidateReq } from './send-assist-req.ts';
import { dom0, guest, held, makeGuest, makeHost, request } from './testing/rig.ts';

describe('the way of a request', () => {
  it('a port read waits, and its answer ends in RAX', () => {
    const { host, emulator } = makeGuest(2);
    const vcpu = host.vcpu(guest, 1);
    vcpu.rax = 0x1122334455667788n;
    const widths: [1 | 2 | 4, bigint][] = [
      [1, 0x11223344556677efn],
      [2, 0x112233445566beefn],
      [4, 0xdeadbeefn],
    ];
    for (const [size, rax] of widths) {
      vcpu.rax = 0x1122334455667788n;
      expect(handlePio(vcpu, 0xfffe, size, true)).toBe(true);
      expect([doResume(vcpu), vcpu.defersShutdown]).toEqual(['waits', true]);
      expect(emulator.take(1)).toEqual(request({ addr: 0xfffen, size, isRead: true }));
      expect(doResume(vcpu)).toBe('waits');
      emulator.answer(1, 0xdeadbeefn);
      expect([doResume(vcpu), vcpu.rax, vcpu.ioState, vcpu.defersShutdown]).toEqual(['runs', rax, 'none', false]);
      expect(emulator.slot(1).state).toBe(ioreqState.none);
    }
  });

  it('a port write is done at once, yet the vCPU waits for its answer', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    vcpu.rax = 0xaabbccdd11223344n;
    expect(handlePio(vcpu, 0x80, 2, false)).toBe(true);
    expect(emulator.take(0)).toEqual(request({ addr: 0x80n, size: 2, data: 0x3344n }));
    expect([vcpu.ioState, doResume(vcpu)]).toEqual(['dispatched', 'waits']);
    emulator.answer(0, 0xffffn);
    expect([doResume(vcpu), vcpu.rax]).toEqual(['runs', 0xaabbccdd11223344n]);
  });

  it('a memory read is emulated once more and then has its answer', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    const read = request({ type: 1, addr: 0xfed00000n, size: 8, isRead: true });
    expect(doIo(vcpu, read)).toBe('retry');
    emulator.take(0);
    emulator.answer(0, 0x1122334455667788n);
    expect([doResume(vcpu), vcpu.ioState, doIo(vcpu, read), vcpu.ioData]).toEqual([
      ...['runs', 'completed', 'okay', 0x1122334455667788n],
    ]);
    expect([vcpu.ioState, emulator.take(0)]).toEqual(['none', undefined]);
  });

  it('a second access while one is underway is refused', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    doIo(vcpu, request({ isRead: true }));
    expect([doIo(vcpu, request()), doIo(vcpu, request({ isRead: true }))]).toEqual(['unhandleable', 'unhandleable']);
    emulator.take(0);
    emulator.answer(0, 1n);
    doResume(vcpu);
    expect(doIo(vcpu, request())).toBe('unhandleable');
    expect(doIo(vcpu, request())).toBe('okay');
  });

  it('INVALIDATE has count 0 and all ones for data', () => {
    const { host, emulator } = makeGuest(1);
    sendInvalidateReq(host.vcpu(guest, 0));
    expect(emulator.take(0)).toEqual(request({ type: 8, addr: 0n, data: 0xffffffffffffffffn, count: 0 }));
    emulator.answer(0, 0n);
    expect(doResume(host.vcpu(guest, 0))).toBe('runs');
  });

  it('without an emulator accesses are ignored', () => {
    const host = makeHost(1);
    const vcpu = host.vcpu(guest, 0);
    vcpu.domain.ioreqServer = undefined;
    expect([doIo(vcpu, request({ isRead: true })), vcpu.ioState]).toEqual(['okay', 'none']);
    sendInvalidateReq(vcpu);
    expect(vcpu.isBlockedInXen).toBe(false);
  });
});

describe('a shutdown', () => {
  it('waits for the request in flight, and stops the other vCPUs at once', () => {
    const { host, emulator } = makeGuest(2);
    const vcpu = host.vcpu(guest, 0);
    handlePio(vcpu, 0x5000, 1, true);
    shutDownDomain(host.domain(guest), 'poweroff');
    expect([0, 1].map((id) => host.vcpu(guest, id).isPausedForShutdown)).toEqual([false, true]);
    emulator.take(0);
    emulator.answer(0, 5n);
    expect([doResume(vcpu), vcpu.rax, vcpu.isPausedForShutdown]).toEqual(['waits', 5n, true]);
  });

  it('bins what is sent after it', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    shutDownDomain(host.domain(guest), 'reboot');
    shutDownDomain(host.domain(guest), 'crash');
    expect([doIo(vcpu, request({ isRead: true })), vcpu.ioState]).toEqual(['retry', 'none']);
    expect(handlePio(vcpu, 0x5000, 1, true)).toBe(false);
    expect([emulator.take(0), vcpu.pauseCount, host.domain(guest).shutdownReason]).toEqual([undefined, 1, 'reboot']);
  });
});

describe("a domain's end", () => {
  it('gives everything back, with pages or without, with a request in flight or without', () => {
    for (const make of [() => makeHost(2), () => makeGuest(2).host]) {
      const host = make();
      if (host.domain(guest).pauseCount === 0) handlePio(host.vcpu(guest, 1), 0x5000, 1, true);
      const { frames } = host.domain(guest);
      host.destroyDomain(guest);
      expect([held(host), frames.mappings]).toEqual([{ ports: 0, objects: 0, mappings: 0 }, 0]);
      expect(host.channels.ports(dom0).every(({ state }) => state === 'unbound')).toBe(true);
      expect(host.getParam(dom0, guest, 5)).toBe('ESRCH');
    }
  });

  it('a domain without memory for its server is none', () => {
    const host = makeHost(0);
    host.heap.failAllocation(1);
    expect([host.createDomain(9), host.getParam(dom0, 9, 5), host.heap.live]).toEqual(['ENOMEM', 'ESRCH', 1]);
  });
});
