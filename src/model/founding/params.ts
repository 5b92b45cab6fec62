import { domidSelf, hvmParam } from '../../abi/hvm-param.ts';
import { LabError } from '../../errors.ts';
import type { Errno } from '../errno.ts';
import type { Domain } from './domain.ts';
import { setIoreqServerDomid } from './set-ioreq-server-domid.ts';
import { setIoreqServerBufPfn, setIoreqServerPfn } from './set-ioreq-server-pfn.ts';

/** HVM_NR_PARAMS in 2014. */
const paramCount = 32;
const modelled: ReadonlySet<number> = new Set(Object.values(hvmParam));

/**
 * HVMOP_set_param (do_hvm_op), for the four parameters of an emulator: the frames can be set once, by the toolstack or the guest
 * itself; the emulating domain by anyone but the guest, whether or not such a domain exists; the buffered channel by nobody. A value
 * is stored when it was taken.
 *
 * @param domains all domains, by domid
 * @param value 64 bits
 * @returns EINVAL, ESRCH, EPERM, and what the parameter's own function gives back
 */
export function setParam(
  domains: ReadonlyMap<number, Domain>,
  caller: Domain,
  domid: number,
  index: number,
  value: bigint,
): Errno | undefined {
  const domain = findDomain(domains, caller, domid, index);
  if (typeof domain === 'string') return domain;
  const server = domain.ioreqServer;
  let stored = value;
  let failure: Errno | undefined;
  if (index === hvmParam.bufioreqEvtchn) return 'EINVAL';
  if (index === hvmParam.dmDomain) {
    if (caller === domain) return 'EPERM';
    if (value === BigInt(domidSelf)) stored = BigInt(caller.domid);
    // domid_t has 16 bits.
    if (server !== undefined) failure = setIoreqServerDomid(server, Number(BigInt.asUintN(16, stored)));
  } else if (server !== undefined) {
    const set = index === hvmParam.ioreqPfn ? setIoreqServerPfn : setIoreqServerBufPfn;
    failure = set(server, Number(value));
  }
  if (failure === undefined) domain.params.set(index, stored);
  return failure;
}

/** HVMOP_get_param: 0 for what was never set. That reading makes a server came with a0731ccab2. */
export function getParam(
  domains: ReadonlyMap<number, Domain>,
  caller: Domain,
  domid: number,
  index: number,
): bigint | Errno {
  const domain = findDomain(domains, caller, domid, index);
  return typeof domain === 'string' ? domain : (domain.params.get(index) ?? 0n);
}

/** What both begin with. XSM_TARGET: the domain itself, its stub domain, or dom0. */
function findDomain(
  domains: ReadonlyMap<number, Domain>,
  caller: Domain,
  domid: number,
  index: number,
): Domain | Errno {
  if (index >= paramCount) return 'EINVAL';
  const domain = domid === domidSelf ? caller : domains.get(domid);
  if (domain === undefined) return 'ESRCH';
  if (domain.kind !== 'hvm') return 'EINVAL';
  if (caller !== domain && caller.target !== domain.domid && !caller.isPrivileged) return 'EPERM';
  if (!modelled.has(index)) {
    throw new LabError(`HVM parameter ${index} is not part of the model`, {
      blame: 'usage',
      code: 'PARAM_NOT_MODELLED',
    });
  }
  return domain;
}
