import { beforeEach, describe, expect, it } from 'vitest';
import { BufferedPage } from '../../abi/buffered-page.ts';
import { ioreqState } from '../../abi/ioreq.ts';
import { IoreqSlot } from '../../abi/ioreq-slot.ts';
import { bufferedMode, takeBuffered } from './buffered-ring.ts';
import type { DeviceModelCalls } from './device-model-calls.ts';
import type { Access, Domain } from './domain.ts';
import { model } from './hypervisor.ts';
import { rangeType } from './ioreq-server.ts';
import { resourceFrame } from './servers.ts';

const read = (addr: number, size = 4): Access => ({ type: 'pio', addr, size, isRead: true });
const write = (addr: number, data: number, size = 4): Access => ({
  type: 'pio',
  addr,
  size,
  isRead: false,
  data,
});

let domain: Domain;
let calls: DeviceModelCalls;

beforeEach(() => {
  domain = model('4.20').createDomain({ kind: 'pvh', vcpus: 2 });
  calls = domain.callsOf();
});

/** A device model of one server: its page, its ends of the channels, and the events that came. */
function serve(ports: readonly number[], mode = 0) {
  const id = calls.createIoreqServer(mode);
  const page = calls.acquireResource(id, resourceFrame.ioreq);
  const slots = Array.from({ length: domain.vcpus }, (_, vcpu) => new IoreqSlot(page, vcpu));
  for (const port of ports) calls.mapIoRange(id, rangeType.port, port, port + 3);
  calls.setIoreqServerState(id, 1);
  const events: number[] = [];
  const locals = slots.map((slot, vcpu) => domain.bind(slot.vpEport, () => events.push(vcpu)));
  const spurious = events.splice(0);
  const answer = (vcpu: number, data: bigint, state: number = ioreqState.responseReady): void => {
    const slot = slots[vcpu] as IoreqSlot;
    slot.data = data;
    slot.state = state;
    domain.notify(locals[vcpu] as number);
  };
  return { id, slots, locals, events, spurious, answer };
}

describe('an access', () => {
  it('goes to the server of its range and comes back with its answer', () => {
    const { id, slots, events, answer } = serve([0x5000]);
    expect(domain.startAccess(1, write(0x5000, 0xdead_beef))).toEqual({ kind: 'waiting', servers: [id] });
    expect(events).toEqual([1]);
    expect(slots[1]?.state).toBe(ioreqState.ready);
    expect(slots[1]?.read()).toMatchObject({ type: 0, addr: 0x5000n, data: 0xdead_beefn, size: 4, isRead: false });
    expect(domain.resume(1)).toEqual({ kind: 'waiting', servers: [id] });
    answer(1, 0n);
    expect(domain.resume(1)).toEqual({ kind: 'done', data: 0n, server: id });

    domain.startAccess(0, read(0x5001, 2));
    answer(0, 0x1234_5678n);
    expect(domain.resume(0)).toEqual({ kind: 'done', data: 0x5678n, server: id });
    expect(slots[0]?.state).toBe(ioreqState.none);
  });

  it('to nobody reads all ones', () => {
    serve([0x5000]);
    expect(domain.startAccess(0, read(0x5002))).toEqual({ kind: 'done', data: 0xffff_ffffn, server: undefined });
    expect(domain.startAccess(0, read(0x6000, 1))).toEqual({ kind: 'done', data: 0xffn, server: undefined });
    expect(domain.startAccess(0, write(0x6000, 1))).toEqual({ kind: 'done', data: 0n, server: undefined });
  });

  it('goes to the highest id of those that are enabled', () => {
    const low = serve([0x5000]);
    const high = serve([0x5000]);
    expect(domain.startAccess(0, read(0x5000))).toEqual({ kind: 'waiting', servers: [high.id] });
    high.answer(0, 1n);
    expect(domain.resume(0)).toMatchObject({ data: 1n });
    calls.setIoreqServerState(high.id, 0);
    expect(domain.startAccess(0, read(0x5000))).toEqual({ kind: 'waiting', servers: [low.id] });
  });
});

describe('a channel', () => {
  it('has an event as soon as it is bound', () => {
    expect(serve([]).spurious).toEqual([0, 1]);
  });

  it('that is notified without an answer lets the vCPU wait on', () => {
    const { id, locals, answer } = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    domain.notify(locals[0] as number);
    expect(domain.isBlocked(0)).toBe(false);
    expect(domain.resume(0)).toEqual({ kind: 'waiting', servers: [id] });
    answer(0, 7n);
    expect(domain.resume(0)).toMatchObject({ kind: 'done', data: 7n });
  });
});

describe('a device model that misbehaves', () => {
  const slotOf = (server: ReturnType<typeof serve>, vcpu = 0): IoreqSlot => server.slots[vcpu] as IoreqSlot;

  it('crashes the domain when the slot is not free for a port access, and faults a memory access', () => {
    const server = serve([0x5000]);
    calls.mapIoRange(server.id, rangeType.memory, 0x1000_0000, 0x1000_0fff);
    slotOf(server, 1).state = ioreqState.inProcess;
    const load: Access = { type: 'copy', addr: 0x1000_0000, size: 8, isRead: true };
    expect(domain.startAccess(1, load)).toEqual({ kind: 'fault', why: 'device model set bad IO state 2' });
    slotOf(server, 1).state = ioreqState.none;
    slotOf(server, 1).vpEport++;
    expect(domain.startAccess(1, load)).toMatchObject({ kind: 'fault' });
    expect(domain.startAccess(1, read(0x5000))).toMatchObject({ kind: 'crashed' });
    expect(domain.crashed).toMatch(/bad event channel/);
    expect(domain.startAccess(0, read(0x5000))).toMatchObject({ kind: 'crashed' });
  });

  it('crashes the domain with a state that does not exist', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    server.answer(0, 0n, 4);
    expect(domain.resume(0)).toEqual({ kind: 'crashed', why: 'Weird HVM iorequest state 4' });
  });

  it('crashes the domain with a state that goes backwards while Xen looks, but not between two looks', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    slotOf(server).state = ioreqState.inProcess;
    domain.notify(server.locals[0] as number);
    expect(domain.resume(0)).toMatchObject({ kind: 'waiting' });
    server.answer(0, 0n, ioreqState.ready);
    expect(domain.resume(0)).toMatchObject({ kind: 'waiting' });
    slotOf(server).state = ioreqState.inProcess;
    domain.notify(server.locals[0] as number);
    const back = (): void => void (slotOf(server).state = ioreqState.ready);
    expect(domain.resume(0, back)).toEqual({ kind: 'crashed', why: 'Weird HVM ioreq state transition 2 -> 1' });
  });

  it('lets the vCPU wait when it answers without notifying, until something notifies', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    slotOf(server).data = 9n;
    slotOf(server).state = ioreqState.responseReady;
    expect(domain.resume(0)).toMatchObject({ kind: 'waiting' });
    domain.notify(server.locals[0] as number);
    expect(domain.resume(0)).toMatchObject({ kind: 'done', data: 9n });
  });

  it('changes nothing with what it writes beside the answer', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000, 1));
    slotOf(server).write({ ...slotOf(server).read(), addr: 1n, size: 8, count: 99, isRead: false });
    server.answer(0, 0x1ffn);
    expect(domain.resume(0)).toEqual({ kind: 'done', data: 0xffn, server: server.id });
  });
});

describe('a request in flight', () => {
  it('outlives that its server is disabled', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    calls.setIoreqServerState(server.id, 0);
    server.answer(0, 3n);
    expect(domain.resume(0)).toMatchObject({ kind: 'done', data: 3n });
  });

  it('reads all ones when its server is disabled and the page was a frame of the guest, even if it was answered', () => {
    domain = model('4.20').createDomain({ kind: 'hvm', vcpus: 1 });
    calls = domain.callsOf();
    const id = calls.createIoreqServer(0);
    const { ioreqGfn } = calls.getIoreqServerInfo(id, true);
    const slot = new IoreqSlot(domain.frame(Number(ioreqGfn)) as ArrayBuffer, 0);
    calls.mapIoRange(id, rangeType.port, 0x5000, 0x5003);
    calls.setIoreqServerState(id, 1);
    expect(domain.frame(Number(ioreqGfn))).toBeUndefined();
    const local = domain.bind(slot.vpEport, () => undefined);
    const respond = (): void => {
      slot.data = 5n;
      slot.state = ioreqState.responseReady;
      domain.notify(local);
    };
    // A frame was taken out of the guest: first INVALIDATE.
    domain.startAccess(0, read(0x5000));
    expect(slot.read()).toMatchObject({ type: 8, count: 0, data: (1n << 64n) - 1n });
    respond();
    expect(domain.resume(0)).toMatchObject({ kind: 'waiting' });
    expect(slot.read()).toMatchObject({ type: 0, addr: 0x5000n });
    respond();
    calls.setIoreqServerState(id, 0);
    expect(slot.state).toBe(ioreqState.none);
    expect(domain.resume(0)).toEqual({ kind: 'done', data: 0xffff_ffffn, server: id });
  });

  it('waits for ever when its server is destroyed, unless another channel of the vCPU is notified: then it reads 0', () => {
    const server = serve([0x5000]);
    const other = serve([0x6000]);
    domain.startAccess(0, read(0x5000));
    calls.destroyIoreqServer(server.id);
    domain.notify(server.locals[0] as number);
    expect(domain.resume(0)).toEqual({ kind: 'waiting', servers: [] });
    domain.notify(other.locals[0] as number);
    expect(domain.resume(0)).toEqual({ kind: 'done', data: 0n, server: server.id });
    expect(domain.startAccess(0, read(0x6000))).toMatchObject({ kind: 'waiting' });
  });

  it('of a destroyed server made all further accesses fail, before f7039ee41b', () => {
    domain = model('4.13.1').createDomain({ kind: 'pvh', vcpus: 2 });
    calls = domain.callsOf();
    const server = serve([0x5000]);
    const other = serve([0x6000]);
    domain.startAccess(0, read(0x5000));
    calls.destroyIoreqServer(server.id);
    domain.notify(other.locals[0] as number);
    expect(domain.resume(0)).toMatchObject({ kind: 'done' });
    expect(domain.startAccess(0, read(0x6000))).toMatchObject({ kind: 'crashed' });
  });

  it('is taken over by a process that binds the channels anew', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    domain.unbind(server.locals[0] as number);
    const slot = server.slots[0] as IoreqSlot;
    const local = domain.bind(slot.vpEport, () => undefined);
    slot.data = 8n;
    slot.state = ioreqState.responseReady;
    domain.notify(local);
    expect(domain.resume(0)).toMatchObject({ kind: 'done', data: 8n });
  });
});

describe('INVALIDATE', () => {
  it('goes to every enabled server, and the access waits for all of them', () => {
    const servers = [serve([0x5000]), serve([]), serve([])];
    calls.setIoreqServerState(1, 0);
    domain.decreaseReservation(0);
    expect(domain.startAccess(0, read(0x5000))).toEqual({ kind: 'waiting', servers: [2, 0] });
    // Xen waits for the highest id first, and takes no other answer before it has that one's.
    servers[0]?.answer(0, 0n);
    expect(domain.resume(0)).toEqual({ kind: 'waiting', servers: [2, 0] });
    servers[2]?.answer(0, 0n);
    expect(domain.resume(0)).toEqual({ kind: 'waiting', servers: [0] });
    servers[0]?.answer(0, 7n);
    expect(domain.resume(0)).toEqual({ kind: 'done', data: 7n, server: 0 });
  });

  it('that comes during an access does not change what it reads', () => {
    const server = serve([0x5000]);
    domain.startAccess(0, read(0x5000));
    domain.decreaseReservation(0);
    server.answer(0, 7n);
    expect(domain.resume(0)).toMatchObject({ kind: 'waiting' });
    server.answer(0, 0xffn);
    expect(domain.resume(0)).toEqual({ kind: 'done', data: 7n, server: 0 });
  });
});

describe('a configuration cycle', () => {
  it('goes to the server of the function, with the address that Xen makes of both ports', () => {
    const server = serve([0xcfc]);
    calls.mapIoRange(server.id, rangeType.pci, 0x0081, 0x0081);
    expect(domain.startAccess(0, write(0xcf8, 0x8000_8144))).toMatchObject({ kind: 'done', server: undefined });
    domain.startAccess(0, read(0xcfe, 2));
    expect(server.slots[0]?.read()).toMatchObject({ type: 2, addr: 0x0081_0000_0046n, size: 2, isRead: true });
    server.answer(0, 1n);
    domain.resume(0);
    // Nobody has the next function: no way back to who owns the port.
    domain.startAccess(0, write(0xcf8, 0x8000_8244));
    expect(domain.startAccess(0, read(0xcfc))).toMatchObject({ kind: 'done', data: 0xffff_ffffn });
    // Only 4 bytes at 0xcf8 count as the latch; without its highest bit 0xcfc is a port.
    domain.startAccess(0, write(0xcf8, 0, 1));
    expect(domain.startAccess(0, read(0xcfc))).toMatchObject({ kind: 'done' });
    domain.startAccess(0, write(0xcf8, 0));
    expect(domain.startAccess(0, read(0xcfc))).toEqual({ kind: 'waiting', servers: [server.id] });
    expect(server.slots[0]?.read()).toMatchObject({ type: 0, addr: 0xcfcn });
  });
});

describe('repetitions', () => {
  it('are looked up by all bytes in memory, and by one repetition at a port', () => {
    const { id, answer } = serve([0x5000]);
    calls.mapIoRange(id, rangeType.memory, 0x1000_0000, 0x1000_00ff);
    const stos = (addr: number, backwards: boolean): Access => ({
      ...{ type: 'copy', addr, size: 4, count: 4, isRead: false, data: 1, backwards },
    });
    const isTaken = (access: Access): boolean => {
      const isWaiting = domain.startAccess(0, access).kind === 'waiting';
      if (isWaiting) {
        answer(0, 0n);
        domain.resume(0);
      }
      return isWaiting;
    };
    expect(isTaken(stos(0x1000_00f0, false))).toBe(true);
    expect(isTaken(stos(0x1000_00f4, false))).toBe(false);
    expect(isTaken(stos(0x1000_00fc, true))).toBe(true);
    expect(isTaken(stos(0x1000_0008, true))).toBe(false);
    expect(isTaken({ type: 'pio', addr: 0x5000, size: 4, count: 64, isRead: true, dataIsPointer: true })).toBe(true);
  });
});

describe('what is buffered', () => {
  it('a write to the memory of VGA does not wait, and waits when the ring is full', () => {
    domain = model('4.20').createDomain({ kind: 'hvm', vcpus: 2 });
    calls = domain.callsOf();
    const { id } = serve([], bufferedMode.atomic);
    calls.mapIoRange(id, rangeType.memory, 0xa_0000, 0xb_ffff);
    const ring = new BufferedPage(calls.acquireResource(id, resourceFrame.buffered));
    let raised = 0;
    domain.bind(calls.getIoreqServerInfo(id, false).bufferedPort as number, () => raised++);
    const store = (data: number): Access => ({ type: 'copy', addr: 0xb_8000, size: 2, isRead: false, data });
    for (let i = 0; i < 511; i++) expect(domain.startAccess(0, store(i))).toMatchObject({ kind: 'done', server: id });
    expect(raised).toBe(512);
    expect(domain.startAccess(0, store(511))).toMatchObject({ kind: 'waiting' });
    expect(takeBuffered(ring)).toEqual({ type: 1, isRead: false, size: 2, addr: 0xb_8000, data: 0n });
    expect(domain.startAccess(1, { ...store(0), isRead: true })).toMatchObject({ kind: 'waiting' });
  });

  it('a change of the clock goes to every ring; servers without one fail before a44734df6c', () => {
    for (const [version, outcomes] of [
      ['4.20', ['buffered']],
      ['4.14', ['buffered', 'refused']],
    ] as const) {
      domain = model(version).createDomain({ kind: 'pvh', vcpus: 2 });
      calls = domain.callsOf();
      serve([]);
      const { id } = serve([], bufferedMode.legacy);
      const ring = new BufferedPage(calls.acquireResource(id, resourceFrame.buffered));
      expect(domain.sendTimeOffset(-2)).toEqual(outcomes);
      expect(takeBuffered(ring)).toMatchObject({ type: 7, size: 8, data: (1n << 64n) - 2n });
    }
  });
});
