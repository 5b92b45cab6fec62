import { beforeEach, describe, expect, it } from 'vitest';
import { ioreqState } from '../../abi/ioreq.ts';
import { IoreqSlot } from '../../abi/ioreq-slot.ts';
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
