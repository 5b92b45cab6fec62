import { describe, expect, it } from 'vitest';
import { isErrno } from './errno.ts';
import { EventChannels } from './event-channels.ts';

const dom0 = 0;
const guest = 7;

function makeChannels(): EventChannels {
  const channels = new EventChannels();
  channels.addDomain(dom0);
  channels.addDomain(guest);
  return channels;
}

function port(result: number | string | undefined): number {
  if (typeof result !== 'number') throw new Error(`no port: ${result}`);
  return result;
}

describe('event channels', () => {
  it('are given out from port 1, the lowest free one first, and name the domain that may bind', () => {
    const channels = makeChannels();
    expect([0, 1, 2].map((vcpu) => channels.allocUnboundXen(guest, vcpu, dom0))).toEqual([1, 2, 3]);
    channels.freeXen(guest, 2);
    expect(channels.allocUnboundXen(guest, 5, 99)).toBe(2);
    expect(channels.ports(guest)[1]).toEqual({ port: 2, state: 'unbound', remoteDomid: 99, vcpu: 5, isXen: true });
    expect(channels.bindInterdomain(dom0, guest, 2)).toBe('EINVAL');
    expect(channels.bindInterdomain(dom0, 8, 2)).toBe('ESRCH');
    expect(channels.ports(dom0)).toEqual([]);
  });

  it('carry a notification each way; one on an unbound port is made up for by the binding', () => {
    const channels = makeChannels();
    const told: number[][] = [];
    const remote = port(channels.allocUnboundXen(guest, 3, dom0, (...args) => told.push(args)));
    channels.notifyViaXen(guest, remote);
    const local = port(channels.bindInterdomain(dom0, guest, remote));
    expect([channels.takePending(dom0, local), channels.takePending(dom0, local)]).toEqual([true, false]);
    channels.notifyViaXen(guest, remote);
    expect(channels.takePending(dom0, local)).toBe(true);
    expect(channels.send(dom0, local)).toBeUndefined();
    expect(told).toEqual([[3, remote]]);
    expect(channels.bindInterdomain(dom0, guest, remote)).toBe('EINVAL');
  });

  it("of Xen's cannot be used or closed by the domain", () => {
    const channels = makeChannels();
    const own = port(channels.allocUnboundXen(guest, 0, dom0));
    expect([channels.send(guest, own), channels.close(guest, own), channels.close(guest, 9)]).toEqual([
      ...['EINVAL', 'EINVAL', 'EINVAL'],
    ]);
    const plain = port(channels.allocUnbound(guest, dom0));
    expect(() => channels.freeXen(guest, plain)).toThrow(expect.objectContaining({ code: 'XEN_BUG' }));
    expect(() => channels.notifyViaXen(guest, 77)).toThrow(expect.objectContaining({ code: 'XEN_BUG' }));
    expect(channels.close(guest, plain)).toBeUndefined();
  });

  it('that are freed leave the other end unbound: what it sends is lost', () => {
    const channels = makeChannels();
    const told: number[][] = [];
    const remote = port(channels.allocUnboundXen(guest, 0, dom0, (...args) => told.push(args)));
    const local = port(channels.bindInterdomain(dom0, guest, remote));
    channels.freeXen(guest, remote);
    expect(channels.ports(guest)).toEqual([]);
    expect(channels.ports(dom0)).toEqual([
      { port: local, state: 'unbound', remoteDomid: guest, vcpu: 0, isXen: false },
    ]);
    expect(channels.send(dom0, local)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('run out with ENOSPC, fail when told to, and end with their domain', () => {
    const channels = makeChannels();
    channels.failAllocation(2);
    channels.failAllocation(3, 'ENOSPC');
    expect([1, 2, 3, 4].map(() => channels.allocUnboundXen(guest, 0, dom0))).toEqual([1, 'ENOMEM', 'ENOSPC', 2]);
    expect(channels.allocations).toBe(4);
    let last: unknown = 0;
    while (!isErrno(last)) last = channels.allocUnboundXen(guest, 0, dom0);
    expect(last).toBe('ENOSPC');
    expect(channels.ports(guest)).toHaveLength(4095);
    channels.destroyDomain(guest);
    expect(channels.ports(guest)).toEqual([]);
    expect(channels.allocUnboundXen(guest, 0, dom0)).toBe('EINVAL');
    channels.freeXen(guest, 1);
    channels.notifyViaXen(guest, 1);
  });

  it("both ends of one domain's own", () => {
    const channels = makeChannels();
    const first = port(channels.allocUnbound(guest, guest));
    const second = port(channels.bindInterdomain(guest, guest, first));
    channels.takePending(guest, second);
    channels.send(guest, first);
    expect(channels.takePending(guest, second)).toBe(true);
    expect(channels.close(guest, second)).toBeUndefined();
    expect(channels.ports(guest)).toEqual([
      { port: first, state: 'unbound', remoteDomid: guest, vcpu: 0, isXen: false },
    ]);
  });
});
