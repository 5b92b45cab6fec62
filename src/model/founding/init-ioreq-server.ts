import type { Errno } from '../errno.ts';
import { pauseDomain, type Domain } from './domain.ts';

/**
 * hvm_init_ioreq_server; hvm_create_ioreq_server in bb6d5e155d. Part of hvm_domain_initialise: makes the domain's server and
 * pauses the domain twice, once for each page: {@link setIoreqServerPfn} and {@link setIoreqServerBufPfn} take one back each.
 *
 * @param domid the emulating domain: HVM_PARAM_DM_DOMAIN, which is 0 in a new domain
 * @returns ENOMEM
 */
export function initIoreqServer(domain: Domain, domid: number): Errno | undefined {
  if (!domain.heap.allocate()) return 'ENOMEM';
  const pages = { ioreq: undefined, bufioreq: undefined };
  domain.ioreqServer = { domain, domid, ...pages, bufioreqEvtchn: undefined, vcpus: [] };
  pauseDomain(domain);
  pauseDomain(domain);
  return undefined;
}
