import { expect, it } from 'vitest';
import { ServerAccount } from './inheritance.ts';
import type { GuestRequest } from './protocol.ts';

const guest = 'pvh-1';
const create = (server: string): GuestRequest => ({ do: 'createServer', guest, server });
const attach = (server: string, base: number): GuestRequest => ({
  ...{ do: 'attach', guest, server, device: 'register', options: {}, at: { value: base } },
});
const setWaiting = (server: string, cycles: number): GuestRequest => ({
  ...{ do: 'setWaiting', guest, server, waiting: { mode: 'spin', cycles } },
});

it('a successor gets what was done to each server: all devices in order, and the last of each setting', () => {
  const account = new ServerAccount();
  account.control = 1;
  account.note(create('a'), { xenId: 2 });
  account.note(attach('a', 0x500), {});
  account.note(setWaiting('a', 1), {});
  account.note(create('b'), { xenId: 3 });
  account.note(attach('a', 0x600), {});
  account.note(setWaiting('a', 2), {});
  account.note({ do: 'trace', guest, server: 'a' }, {});
  account.note({ do: 'readMemory', guest, address: 0, length: 1 }, {});
  expect(account.inheritance(true)).toEqual({
    control: 1,
    isTrusted: true,
    servers: [
      { xenId: 2, requests: [create('a'), attach('a', 0x500), attach('a', 0x600), setWaiting('a', 2)] },
      { xenId: 3, requests: [create('b')] },
    ],
  });
});

it('servers that are closed are no one’s, and their names are free again', () => {
  const account = new ServerAccount();
  account.note(create('a'), { xenId: 2 });
  account.note({ do: 'closeServers', guest }, {});
  account.note(attach('a', 0x500), {});
  account.note(create('a'), { xenId: 4 });
  expect(account.inheritance(false)).toEqual({
    ...{ control: undefined, isTrusted: false, servers: [{ xenId: 4, requests: [create('a')] }] },
  });
});
