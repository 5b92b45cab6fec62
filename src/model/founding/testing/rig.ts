import { hvmParam } from '../../../abi/hvm-param.ts';
import type { Ioreq } from '../../../abi/ioreq-slot.ts';
import { ioreqType } from '../../../abi/ioreq.ts';
import type { Domain, PatchForm } from '../domain.ts';
import { FoundingHost } from '../founding-host.ts';
import { Emulator } from './emulator.ts';

export const dom0 = 0;
export const guest = 3;
/** A second domain that can emulate: a stub domain of the guest's. */
export const stub = 4;
export const ioreqGfn = 0xfeff0;
export const bufioreqGfn = 0xfeff1;
/** Memory that is no emulator's page. */
export const otherGfn = 0x100;

/** A host with dom0, the guest and its stub domain; the guest has frames, but its pages are not set. */
export function makeHost(vcpus = 2, form: PatchForm = 'merged'): FoundingHost {
  const host = new FoundingHost(form);
  host.createDomain(guest);
  host.createDomain(stub, { kind: 'pv', target: guest });
  for (const gfn of [ioreqGfn, bufioreqGfn, otherGfn]) host.domain(guest).frames.add(gfn);
  for (let id = 0; id < vcpus; id++) host.createVcpu(guest, id);
  return host;
}

/** {@link makeHost} with the pages set and an emulator in dom0 that is bound: the guest can run. */
export function makeGuest(vcpus = 2, form: PatchForm = 'merged'): { host: FoundingHost; emulator: Emulator } {
  const host = makeHost(vcpus, form);
  host.setParam(dom0, guest, hvmParam.ioreqPfn, BigInt(ioreqGfn));
  host.setParam(dom0, guest, hvmParam.bufioreqPfn, BigInt(bufioreqGfn));
  const emulator = new Emulator(host, dom0, guest);
  for (let id = 0; id < vcpus; id++) emulator.take(id);
  emulator.drain();
  return { host, emulator };
}

/** Everything that can leak. */
export function held(host: FoundingHost, domid = guest): { ports: number; objects: number; mappings: number } {
  const domain: Domain | undefined = host.domains.get(domid);
  return {
    ports: domain === undefined ? 0 : host.channels.ports(domid).length,
    objects: host.heap.live,
    mappings: domain?.frames.mappings ?? 0,
  };
}

/** A direct access of one element: a port write of 4 bytes unless told otherwise. */
export function request(change: Partial<Ioreq> = {}): Ioreq {
  return {
    ...{ type: ioreqType.pio, addr: 0x5000n, data: 0n, count: 1, size: 4 },
    ...{ isRead: false, dataIsPointer: false, backwards: false },
    ...change,
  };
}
