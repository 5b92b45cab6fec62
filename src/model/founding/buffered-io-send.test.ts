import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferedSlots } from '../../abi/ioreq.ts';
import { bufferedIoSend, sendTimeoffsetReq } from './buffered-io-send.ts';
import { doIo } from './do-io.ts';
import { doResume } from './do-resume.ts';
import { guest, makeGuest, request } from './testing/rig.ts';

const vga = request({ type: 1, addr: 0xa0000n, size: 1 });

describe('the buffered ring', () => {
  it('takes a write without a wait, from any vCPU, and tells the emulator on the one channel of vCPU 0', () => {
    const { host, emulator } = makeGuest(2);
    const vcpu = host.vcpu(guest, 1);
    expect(doIo(vcpu, { ...vga, size: 2, data: 0xffff1234n }, true)).toBe('okay');
    expect([doResume(vcpu), vcpu.ioState, emulator.take(1)]).toEqual(['runs', 'none', undefined]);
    expect(emulator.drain()).toEqual([{ type: 1, addr: 0xa0000, size: 2, isRead: false, data: 0xffff1234n }]);
  });

  it.each([
    ['an address of 21 bits', { addr: 0x100000n }],
    ['a pointer', { dataIsPointer: true }],
    ['no repetition', { count: 0 }],
    ['two repetitions', { count: 2 }],
    ['size 0', { size: 0 }],
    ['size 3', { size: 3 }],
    ['size 16', { size: 16 }],
  ])('does not take %s: it goes the synchronous way', (_name, change) => {
    const { host, emulator } = makeGuest(1);
    const odd = { ...vga, ...change };
    expect(bufferedIoSend(host.vcpu(guest, 0), odd)).toBe(false);
    expect([emulator.buffered.used, emulator.drain()]).toEqual([0, []]);
    expect([doIo(host.vcpu(guest, 0), odd, true), emulator.take(0)]).toEqual(['okay', odd]);
  });

  it('takes the last address of 20 bits, reads, and any type', () => {
    const { host, emulator } = makeGuest(1);
    const last = request({ type: 255, addr: 0xfffffn, size: 4, isRead: true, data: 0xffffffffn });
    expect(bufferedIoSend(host.vcpu(guest, 0), last)).toBe(true);
    expect(emulator.drain()).toEqual([{ type: 255, addr: 0xfffff, size: 4, isRead: true, data: 0xffffffffn }]);
  });

  it('gives 8 bytes two slots with the same header, and moves on by two at once', () => {
    const { host, emulator } = makeGuest(1);
    bufferedIoSend(host.vcpu(guest, 0), { ...vga, size: 8, data: 0x1122334455667788n });
    const { buffered } = emulator;
    expect([buffered.writePointer, buffered.read(0), buffered.read(1)]).toEqual([
      2,
      { type: 1, addr: 0xa0000, size: 8, isRead: false, data: 0x55667788 },
      { type: 1, addr: 0xa0000, size: 8, isRead: false, data: 0x11223344 },
    ]);
    expect(emulator.drain().map(({ data }) => data)).toEqual([0x1122334455667788n]);
  });

  it('is full with 511 slots, or 510 for 8 bytes; then the synchronous way, and TIMEOFFSET is lost', () => {
    const { host, emulator } = makeGuest(1);
    const vcpu = host.vcpu(guest, 0);
    for (let i = 0; i < bufferedSlots - 1; i++) expect(bufferedIoSend(vcpu, { ...vga, data: BigInt(i) })).toBe(true);
    expect([bufferedIoSend(vcpu, { ...vga, size: 8 }), sendTimeoffsetReq(vcpu, 1n)]).toEqual([false, false]);
    expect([bufferedIoSend(vcpu, vga), bufferedIoSend(vcpu, vga)]).toEqual([true, false]);
    expect(emulator.buffered.used).toBe(bufferedSlots);
    expect([doIo(vcpu, vga, true), doResume(vcpu), emulator.take(0)]).toEqual(['okay', 'waits', vga]);
    expect(emulator.drain()).toHaveLength(bufferedSlots);
  });

  it('TIMEOFFSET: signed seconds in 8 bytes; no change is no request', () => {
    const { host, emulator } = makeGuest(1);
    expect([0n, -5n].map((seconds) => sendTimeoffsetReq(host.vcpu(guest, 0), seconds))).toEqual([true, true]);
    expect(emulator.drain()).toEqual([{ type: 7, addr: 0, size: 8, isRead: false, data: 0xfffffffffffffffbn }]);
  });

  it('loses entries where its pointers pass 2^32, as that is no multiple of 511 (until b7007bc6f9, 2015)', () => {
    const { host, emulator } = makeGuest(1);
    const { buffered } = emulator;
    const start = 0xffffffe0;
    buffered.readPointer = buffered.writePointer = start;
    for (let data = 0n; data < 33n; data++) bufferedIoSend(host.vcpu(guest, 0), { ...vga, data });
    expect([start % bufferedSlots, buffered.used, buffered.writePointer]).toEqual([0, 33, 1]);
    const got = emulator.drain().map(({ data }) => data);
    expect([got.length, got[0], got[1], got[32]]).toEqual([33, 32n, 1n, 32n]);
  });

  it('takes any read pointer: beyond the write pointer it is full', () => {
    const { host, emulator } = makeGuest(1);
    emulator.buffered.readPointer = 1;
    expect([emulator.buffered.used, bufferedIoSend(host.vcpu(guest, 0), vga)]).toEqual([0xffffffff, false]);
  });

  it('never loses or reorders, whoever writes and whenever it is drained', { timeout: 60_000 }, () => {
    const write = fc.record({
      vcpu: fc.nat(2),
      size: fc.constantFrom(1, 2, 4, 8),
      addr: fc.bigInt(0n, 0x100002n),
      data: fc.bigInt(0n, 0xffffffffffffffffn),
    });
    const turn = fc.record({ writes: fc.array(write, { maxLength: 40 }), times: fc.nat(20), drains: fc.boolean() });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 12 }), fc.nat(0xfff00000), (turns, start) => {
        const { host, emulator } = makeGuest(3);
        emulator.buffered.readPointer = emulator.buffered.writePointer = start;
        const sent: unknown[] = [];
        const got: unknown[] = [];
        for (const { writes, times, drains } of turns) {
          for (let i = 0; i < times; i++) {
            for (const { vcpu, size, addr, data } of writes) {
              const needed = size === 8 ? 2 : 1;
              const fits = addr <= 0xfffffn && emulator.buffered.used + needed <= bufferedSlots;
              expect(bufferedIoSend(host.vcpu(guest, vcpu), { ...vga, size, addr, data })).toBe(fits);
              const kept = BigInt.asUintN(size === 8 ? 64 : 32, data);
              if (fits) sent.push({ type: 1, isRead: false, size, addr: Number(addr), data: kept });
            }
          }
          if (drains) got.push(...emulator.drain());
        }
        got.push(...emulator.drain());
        expect(got).toEqual(sent);
      }),
      { numRuns: 60 },
    );
  });
});
