import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allOnes, fakeGuest, FakeXen } from '../native/fake/fake-xen.ts';
import { controlAnswer, ControlServer } from './control-server.ts';

const xen = new FakeXen();
xen.addon.open(fakeGuest.domid, fakeGuest.vcpus);
const never = new AbortController().signal;
const port = 0xe0;

let control: ControlServer;
beforeEach(() => {
  control = new ControlServer(xen.addon, port);
});
afterEach(() => {
  control[Symbol.dispose]();
  expect(xen.held()).toMatchObject({ handles: 2, servers: 0, pages: 0, ports: 0 });
});

/** What a vCPU without work is told. */
const ask = async (vcpu: number): Promise<bigint> => (await xen.access(0, vcpu, { isRead: true, address: port })).data;

describe('the control server', () => {
  it('owns its port, and gives work to those who have asked for it', async () => {
    expect(xen.ranges(0)).toEqual([{ memory: false, start: port, end: port + 3 }]);
    const answers = [ask(0), ask(2)];
    await control.idle([0, 2], never);
    control.start([0]);
    expect(await answers[0]).toBe(BigInt(controlAnswer.run));
    await control.idle([2], never);
    control.start([2]);
    expect(await answers[1]).toBe(BigInt(controlAnswer.run));
  });

  it('waits until all have asked, and again after each of them has got work', async () => {
    let isIdle = false;
    const first = ask(0);
    const idle = control.idle([0, 1], never).then(() => (isIdle = true));
    await control.idle([0], never);
    expect(isIdle).toBe(false);
    const second = ask(1);
    await idle;
    control.start([0, 1]);
    await Promise.all([first, second]);
    const again = control.idle([1], never);
    const third = ask(1);
    await again;
    control.start([1]);
    await third;
  });

  it('waits no longer than it is told to', async () => {
    const controller = new AbortController();
    const idle = control.idle([3], controller.signal);
    controller.abort(new Error('enough'));
    await expect(idle).rejects.toThrow('enough');
    await expect(control.idle([3], controller.signal)).rejects.toThrow('enough');
  });

  it('lets those who wait ask anew', async () => {
    const answer = ask(1);
    await control.idle([1], never);
    control.poke();
    expect(await answer).toBe(BigInt(controlAnswer.again));
    const again = ask(1);
    await control.idle([1], never);
    control.start([1]);
    expect(await again).toBe(BigInt(controlAnswer.run));
  });

  it('answers those who still wait when it ends', async () => {
    const answer = ask(4);
    await control.idle([4], never);
    control[Symbol.dispose]();
    expect(await answer).toBe(allOnes);
    control = new ControlServer(xen.addon, port);
  });

  it('leaves nothing behind when it cannot be made', () => {
    for (const call of ['xendevicemodel_map_io_range_to_ioreq_server', 'xenevtchn_bind_interdomain', 'xenevtchn_fd']) {
      const before = xen.held();
      xen.failNext(call, 12);
      expect(() => new ControlServer(xen.addon, port)).toThrow();
      expect(xen.held()).toEqual(before);
    }
  });
});
