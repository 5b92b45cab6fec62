import { describe, expect, it } from 'vitest';
import { serveCode, word } from '../server/request.ts';
import { fakeGuest, FakeXen } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);

/** Whether this Node has the V8 that fast_call.c knows. */
const isKnownNode = process.versions.node.startsWith('20.');

describe('the hot call', () => {
  const server = addon.createServer();
  addon.enableServer(server, false);
  const id = addon.serverId(server);
  const words = new Uint32Array(addon.requestWords(server));
  const next = addon.bindServe(server);
  const code = (): number => words[word.code] as number;

  it('does the same when V8 has compiled its caller', () => {
    // Long enough for TurboFan, which then calls C without Node-API between.
    const turn = (i: number): bigint | undefined => {
      xen.post(id, i % fakeGuest.vcpus, { isRead: true, size: 4, address: i });
      next();
      if (code() !== serveCode.request || words[word.addrLow] !== i) return undefined;
      words[word.answerLow] = i + 1;
      words[word.answerHigh] = 0;
      addon.interruptServer(server);
      next();
      if (code() !== serveCode.interrupted) return undefined;
      return xen.take(id, i % fakeGuest.vcpus)?.data;
    };
    for (let i = 0; i < 30_000; i++) if (turn(i) !== BigInt(i + 1)) expect(i, 'the turn that went wrong').toBe(-1);
  });

  it('is one function for all lanes of a thread, and follows what was bound last', () => {
    const other = addon.createServer();
    addon.enableServer(other, false);
    expect(addon.bindServe(other)).toBe(next);
    addon.interruptServer(server); // nobody looks
    xen.post(addon.serverId(other), 0, { isRead: true, address: 0x80 });
    const otherWords = new Uint32Array(addon.requestWords(other));
    next();
    expect(otherWords[word.code]).toBe(serveCode.request);
    expect(otherWords[word.addrLow]).toBe(0x80);
    addon.closeServer(other);
    addon.bindServe(server);
    next();
    expect(code()).toBe(serveCode.interrupted);
  });

  it('is what this V8 calls quickest, or that of Node-API', () => {
    // A function of a template has no name, one of Node-API is called as it was made.
    expect(next.name).toBe(isKnownNode ? '' : 'serve');
  });
});
