import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ioreqState, ioreqType } from '../abi/ioreq.ts';
import type { ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, until } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);

let server: ServerHandle;
let id: number;
beforeEach(() => {
  server = addon.createServer();
  id = addon.serverId(server);
  addon.enableServer(server, false);
});
afterEach(() => {
  addon.unwatchControl();
  addon.closeServer(server);
});

const question = { isRead: true, address: 0xe0, size: 4 };

describe('the control server', () => {
  it('calls back with who asked, and answers when told to', async () => {
    const asked: number[] = [];
    addon.watchControl(server, (vcpu) => asked.push(vcpu));
    const answers = [xen.access(id, 3, question), xen.access(id, 0, question)];
    await until(() => asked.length === 2);
    expect(asked.sort()).toEqual([0, 3]);
    expect(xen.slot(id, 3).state).toBe(ioreqState.inProcess);
    expect(addon.answerControl(server, 3, 0x33)).toBe(true);
    expect(addon.answerControl(server, 0, 0xffff_ffff)).toBe(true);
    expect((await Promise.all(answers)).map(({ data }) => data)).toEqual([0x33n, 0xffff_ffffn]);
  });

  it('answers nobody who has not asked', () => {
    addon.watchControl(server, () => undefined);
    expect(addon.answerControl(server, 2, 1)).toBe(false);
    expect(addon.answerControl(server, fakeGuest.vcpus, 1)).toBe(false);
    xen.post(id, 2, question);
    // Not before it was told of.
    expect(addon.answerControl(server, 2, 1)).toBe(false);
  });

  it('answers what is no question at once', async () => {
    const asked: number[] = [];
    addon.watchControl(server, (vcpu) => asked.push(vcpu));
    const others = [
      { address: 0xe0, data: 5 },
      { ...question, type: ioreqType.copy },
      { ...question, dataIsPointer: true, data: 0x5000, count: 2 },
      { ...question, count: 3 },
      { type: ioreqType.invalidate, address: 0, data: allOnes, count: 0 },
    ];
    const answers = [];
    for (const other of others) answers.push((await xen.access(id, 1, other)).data);
    expect(answers).toEqual([5n, allOnes, 0x5000n, allOnes, allOnes]);
    expect(asked).toEqual([]);
  });

  it('may be answered from within the call', async () => {
    addon.watchControl(server, (vcpu) => addon.answerControl(server, vcpu, vcpu + 100));
    const answers = [0, 5, 7].map(async (vcpu) => (await xen.access(id, vcpu, question)).data);
    expect(await Promise.all(answers)).toEqual([100n, 105n, 107n]);
    expect((await xen.access(id, 0, question)).data).toBe(100n);
  });

  it('may be ended from within the call', async () => {
    let calls = 0;
    addon.watchControl(server, () => {
      calls++;
      addon.unwatchControl();
    });
    xen.post(id, 0, question);
    xen.post(id, 1, question);
    await until(() => calls > 0);
    addon.watchControl(server, () => calls++);
    await until(() => calls > 1);
    expect(calls).toBe(2);
  });

  it('takes a function, and one at a time', async () => {
    expect(() => addon.watchControl(server, undefined as never)).toThrow(TypeError);
    expect(() => addon.watchControl(server, {} as never)).toThrow(TypeError);
    const asked: number[] = [];
    addon.watchControl(server, (vcpu) => asked.push(vcpu));
    expect(() => addon.watchControl(server, () => undefined)).toThrow(TypeError);
    xen.post(id, 6, question);
    await until(() => asked.length === 1);
    expect(asked).toEqual([6]);
  });

  it('can be watched again after it could not', async () => {
    const EMFILE = 24;
    xen.failNext('xenevtchn_fd', EMFILE);
    expect(() => addon.watchControl(server, () => undefined)).toThrow();
    addon.unwatchControl();
    const asked: number[] = [];
    addon.watchControl(server, (vcpu) => asked.push(vcpu));
    xen.post(id, 6, question);
    await until(() => asked.length === 1);
    expect(asked).toEqual([6]);
  });
});
