import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hvmParam } from '../../abi/hvm-param.ts';
import { BufferedPage } from '../../abi/buffered-page.ts';
import { bufferedSlots, frameBytes, ioreqState } from '../../abi/ioreq.ts';
import { IoreqSlot, type Ioreq } from '../../abi/ioreq-slot.ts';
import { bufferedMode, sendBuffered } from '../xen/buffered-ring.ts';
import { model } from '../xen/hypervisor.ts';
import { rangeType } from '../xen/ioreq-server.ts';
import { resourceFrame } from '../xen/servers.ts';
import { bufferedIoSend } from './buffered-io-send.ts';
import { doIo } from './do-io.ts';
import { doResume } from './do-resume.ts';
import { dom0, guest, makeGuest } from './testing/rig.ts';

const versions = ['4.14', '4.17', '4.20'];

/** Anything that a ring may be asked to take. */
const anyRequest: fc.Arbitrary<Ioreq> = fc.record({
  type: fc.nat(255),
  addr: fc.oneof(fc.bigInt(0n, 0xfffffn), fc.bigInt(0n, 0xffffffffffffffffn)),
  data: fc.bigInt(0n, 0xffffffffffffffffn),
  count: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(4096) }),
  size: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(1, 2, 4, 8) }, { weight: 1, arbitrary: fc.nat(17) }),
  isRead: fc.boolean(),
  dataIsPointer: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  backwards: fc.boolean(),
});

describe("what later versions of Xen have kept of the patch's", () => {
  it.each(versions)(
    'the ring of %s in its old mode: the same bytes, and the same requests refused',
    (version) => {
      const { honestBufferedSend } = model(version).facts;
      fc.assert(
        fc.property(
          fc.array(anyRequest, { maxLength: 80 }),
          fc.nat(0xffffffff),
          fc.nat(bufferedSlots),
          (sent, at, unread) => {
            const { host, emulator } = makeGuest(1);
            const now = new BufferedPage(new ArrayBuffer(frameBytes));
            for (const page of [emulator.buffered, now]) {
              page.readPointer = at;
              page.writePointer = at + unread;
            }
            for (const request of sent) {
              const outcome = sendBuffered(now, request, bufferedMode.legacy, honestBufferedSend);
              expect(bufferedIoSend(host.vcpu(guest, 0), request)).toBe(outcome === 'buffered');
            }
            const pointers = (page: BufferedPage): number[] => [page.readPointer, page.writePointer];
            expect(pointers(emulator.buffered)).toEqual(pointers(now));
            const slots = (page: BufferedPage): unknown[] =>
              Array.from({ length: bufferedSlots }, (_, i) => page.read(i));
            expect(slots(emulator.buffered)).toEqual(slots(now));
          },
        ),
        { numRuns: 40 },
      );
    },
    60_000,
  );

  it.each(versions)(
    'the slot of %s, and what the vCPU takes from it',
    (version) => {
      const access = fc.record({
        vcpu: fc.nat(2),
        addr: fc.integer({ min: 0x1000_0000, max: 0x1fff_fff0 }),
        size: fc.constantFrom(1, 2, 4, 8),
        isRead: fc.boolean(),
        data: fc.bigInt(0n, 0xffffffffffffffffn),
        answer: fc.bigInt(0n, 0xffffffffffffffffn),
        stops: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(access, { maxLength: 20 }), (accesses) => {
          const { host, emulator } = makeGuest(3);
          const domain = model(version).createDomain({ kind: 'hvm', vcpus: 3 });
          const calls = domain.callsOf(dom0);
          const id = calls.createIoreqServer(bufferedMode.legacy);
          const page = calls.acquireResource(id, resourceFrame.ioreq);
          calls.mapIoRange(id, rangeType.memory, 0x1000_0000, 0x2000_0000);
          calls.setIoreqServerState(id, 1);
          const slots = [0, 1, 2].map((vcpu) => new IoreqSlot(page, vcpu));
          const locals = slots.map((slot) => domain.bind(slot.vpEport, () => undefined));
          const same = (vcpu: number): void => {
            const slot = slots[vcpu];
            const [then, now] = [emulator.slot(vcpu), slot].map((one) => [one?.state, one?.vpEport, one?.read()]);
            expect(now).toEqual(then);
          };
          expect(calls.getIoreqServerInfo(id, false).bufferedPort).toBe(
            Number(host.getParam(dom0, guest, hvmParam.bufioreqEvtchn)),
          );
          for (const { vcpu, addr, size, isRead, data: written, answer, stops } of accesses) {
            const then = host.vcpu(guest, vcpu);
            const data = isRead ? 0n : BigInt.asUintN(size * 8, written);
            const request = { type: 1, addr: BigInt(addr), data, count: 1, size, isRead };
            doIo(then, { ...request, dataIsPointer: false, backwards: false });
            domain.startAccess(vcpu, { type: 'copy', addr, data, size, isRead });
            same(vcpu);
            expect([doResume(then), domain.resume(vcpu).kind]).toEqual(['waits', 'waiting']);
            if (stops) {
              for (const slot of [emulator.slot(vcpu), slots[vcpu]])
                if (slot !== undefined) slot.state = ioreqState.inProcess;
              emulator.notify(vcpu);
              domain.notify(locals[vcpu] ?? 0);
              expect([doResume(then), domain.resume(vcpu).kind]).toEqual(['waits', 'waiting']);
            }
            const slot = slots[vcpu];
            if (slot === undefined) throw new Error('no slot');
            emulator.answer(vcpu, answer);
            slot.data = answer;
            slot.state = ioreqState.responseReady;
            domain.notify(locals[vcpu] ?? 0);
            expect(doResume(then)).toBe('runs');
            const value = isRead ? BigInt.asUintN(size * 8, answer) : 0n;
            if (isRead) {
              expect(doIo(then, { ...request, dataIsPointer: false, backwards: false })).toBe('okay');
              expect(BigInt.asUintN(size * 8, then.ioData)).toBe(value);
            }
            expect(domain.resume(vcpu)).toEqual({ kind: 'done', data: value, server: id });
            same(vcpu);
          }
        }),
        { numRuns: 40 },
      );
    },
    60_000,
  );
});
