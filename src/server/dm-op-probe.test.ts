import { describe, expect, it } from 'vitest';
import { model, type Domain } from '../model/index.ts';
import { callByName } from '../model/xen/dm-op-call.ts';
import type { Addon } from '../xen/addon.ts';
import { DmOpProbe, probeAnswer } from './dm-op-probe.ts';

/** What the probe needs of an addon, on the model. */
function probeOf(domain: Domain, vcpus: number): { readonly probe: DmOpProbe; readonly held: Set<unknown> } {
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
    mapMemory: (gfn) => keep(domain.frame(gfn) as ArrayBuffer),
    unmapMemory: (page) => void held.delete(page),
    bindPort: (port) => keep(domain.bind(port, () => undefined)),
    unbindPort: (local) => {
      held.delete(local);
      domain.unbind(local);
    },
    notifyPort: (local) => domain.notify(local),
  };
  return { probe: new DmOpProbe(addon as Addon, vcpus), held };
}

const step = (op: Parameters<DmOpProbe['run']>[0][number]['op'], ...args: (number | bigint)[]) => ({
  op,
  args: args.map(BigInt),
});

for (const pages of ['acquireResource', 'getIoreqServerInfo'] as const) {
  describe(`a probe whose pages come from ${pages}`, () => {
    const domain = model('4.20').createDomain({ kind: 'hvm', vcpus: 2 });
    const { probe, held } = probeOf(domain, 2);

    it('says of each step what came of it', () => {
      const outcomes = probe.run([
        step('createIoreqServer', 0),
        step('createIoreqServer', 3),
        step(pages, 0, 1),
        step('mapIoRange', 0, 0, 0x5000, 0x5003),
        step('mapIoRange', 0, 0, 0x5003, 0x5004),
        step('setIoreqServerState', 0, 1),
        step('destroyIoreqServer', 4),
      ]);
      expect(outcomes.map((one) => (one.ok ? 'ok' : one.errno))).toEqual([
        ...['ok', 'EINVAL', 'ok', 'ok', 'EEXIST', 'ok', 'ENOENT'],
      ]);
      expect(outcomes[0]).toEqual({ ok: true, values: [0n] });
    });

    it('answers what comes, and tells it', () => {
      expect(domain.startAccess(1, { type: 'pio', addr: 0x5000, size: 4, isRead: true }).kind).toBe('waiting');
      // A frame was taken out of the guest: INVALIDATE comes first.
      for (let turn = 0; domain.isBlocked(1); turn++) {
        probe.answer();
        const progress = domain.resume(1);
        if (progress.kind === 'done') expect(progress.data).toBe(probeAnswer(0) & 0xffff_ffffn);
        expect(turn).toBeLessThan(2);
      }
      const seen = probe.takeSeen();
      expect(seen.at(-1)).toMatchObject({ server: 0, vcpu: 1, request: { addr: 0x5000n, size: 4, isRead: true } });
      expect(probe.takeSeen()).toEqual([]);
    });

    it('leaves nothing', () => {
      expect(held.size).toBe(3);
      probe.close();
      expect(held.size).toBe(0);
      expect(domain.servers.all).toEqual([]);
      expect(domain.channels).toMatchObject({ open: 0, bound: 0 });
    });
  });
}

it('what is no answer of Xen is thrown', () => {
  const domain = model('4.20').createDomain({ kind: 'pvh', vcpus: 1 });
  const { probe } = probeOf(domain, 1);
  expect(() => probe.run([step('acquireResource')])).not.toThrow();
  const broken = new DmOpProbe({ dmOp: () => assertNever() } as unknown as Addon, 1);
  expect(() => broken.run([step('nrVcpus')])).toThrow('broken');
});

function assertNever(): never {
  throw new TypeError('broken');
}
