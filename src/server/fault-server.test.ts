import { describe, expect, it } from 'vitest';
import { model, type Domain, type Progress } from '../model/index.ts';
import { callByName } from '../model/xen/dm-op-call.ts';
import type { Addon } from '../xen/addon.ts';
import { FaultServer } from './fault-server.ts';
import { faultAnswer, type FaultSetup, type FaultStep } from './fault-step.ts';

/** What the server needs of an addon, on the model of Xen. */
function make(scripts: FaultSetup['scripts']): { domain: Domain; server: FaultServer; held: Set<unknown> } {
  const domain = model('4.20').createDomain({ kind: 'pvh', vcpus: 2 });
  const calls = domain.callsOf();
  const held = new Set<unknown>();
  const keep = <T>(thing: T): T => {
    held.add(thing);
    return thing;
  };
  const addon: Partial<Addon> = {
    dmOp: (op, args) => callByName(calls, op, args.map(BigInt)),
    mapResource: (id, frame) => keep(calls.acquireResource(id, Number(frame))),
    unmapResource: (page) => void held.delete(page),
    bindPort: (port) => keep(domain.bind(port, () => undefined)),
    unbindPort: (local) => {
      held.delete(local);
      domain.unbind(local);
    },
    notifyPort: (local) => domain.notify(local),
  };
  const ranges = [{ kind: 'port', start: 0x5400n, end: 0x5407n }] as const;
  return { domain, held, server: new FaultServer(addon as Addon, 2, { ranges, scripts }) };
}

const turn = async (): Promise<void> => await new Promise((resolve) => void setImmediate(resolve));

/** A read of vCPU 0, until it is over or has waited for long. */
async function read(domain: Domain): Promise<Progress | undefined> {
  let progress: Progress = domain.startAccess(0, { type: 'pio', addr: 0x5400, size: 4, isRead: true });
  for (let i = 0; i < 200 && progress.kind === 'waiting'; i++) {
    if (!domain.isBlocked(0)) progress = domain.resume(0);
    await turn();
  }
  return progress;
}

const answered = (data: bigint): FaultStep[] => [{ do: 'answer', data }, { do: 'notify' }];

describe('a server that misbehaves', () => {
  it('does what its scripts say, request by request, then answers', async () => {
    const { domain, server } = make([
      [{ do: 'state', state: 2 }, { do: 'notify' }, { do: 'look' }, ...answered(0x11n)],
      [{ do: 'field', field: 'size', value: 1n }, ...answered(0x2222n)],
    ]);
    expect([await read(domain), await read(domain), await read(domain)]).toMatchObject([
      { kind: 'done', data: 0x11n },
      { kind: 'done', data: 0x2222n },
      { kind: 'done', data: faultAnswer & 0xffff_ffffn },
    ]);
    const request = { addr: 0x5400n, size: 4, isRead: true };
    expect(await server.takeSeen()).toMatchObject([
      { vcpu: 0, request, states: [2] },
      { vcpu: 0, request, states: [] },
      { vcpu: 0, request, states: [] },
    ]);
    await server.close();
  });

  it('crashes its guest where Xen says so', async () => {
    const { domain, server } = make([[{ do: 'state', state: 9 }, { do: 'notify' }]]);
    expect(await read(domain)).toMatchObject({ kind: 'crashed' });
    await server.close().catch(() => undefined); // the domain is gone
  });

  it('breaks a slot without a request, and mends it', async () => {
    const { domain, server } = make([]);
    await server.make(0, [{ do: 'state', state: 3 }]);
    expect(await read(domain)).toMatchObject({ kind: 'crashed' });
    expect(await server.takeSeen()).toEqual([{ vcpu: 0, states: [] }]);
    await server.close().catch(() => undefined);
  });

  it('leaves a request as it is until its end, which answers it and leaves nothing', async () => {
    const { domain, server, held } = make([[]]);
    expect(await read(domain)).toMatchObject({ kind: 'waiting' });
    const closing = server.close();
    for (let i = 0; i < 200 && domain.isBlocked(0); i++) await turn();
    expect(domain.resume(0)).toMatchObject({ kind: 'done', data: faultAnswer & 0xffff_ffffn });
    await closing;
    expect(held.size).toBe(0);
    expect(domain.servers.all).toEqual([]);
  });

  it('says what is wrong with a script', async () => {
    const { domain, server } = make([[{ do: 'ring', read: 1 }]]);
    await read(domain);
    await expect(server.takeSeen()).rejects.toThrow('the server has no ring');
    await expect(server.make(0, [{ do: 'ring', read: 1 }])).rejects.toThrow('the server has no ring');
    await server.close();
  });

  it('gives its page back, and takes it again with what lies in it', async () => {
    const { domain, server } = make([
      [{ do: 'state', state: 2 }, { do: 'unmap' }, { do: 'map' }, { do: 'look' }, ...answered(5n)],
    ]);
    expect(await read(domain)).toMatchObject({ kind: 'done', data: 5n });
    expect((await server.takeSeen())[0]?.states).toEqual([2]);
    await server.close();
  });
});
