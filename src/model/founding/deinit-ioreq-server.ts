import type { Domain } from './domain.ts';

/**
 * hvm_deinit_ioreq_server; hvm_destroy_ioreq_server in bb6d5e155d. Part of hvm_domain_relinquish_resources: unmaps the pages and
 * frees the server. Its channels are the vCPUs' business, or closed with the domain.
 *
 * bb6d5e155d leaves the domain's pointer at the freed server, which hvm_vcpu_destroy then uses; a0731ccab2, the next commit,
 * clears it, and so does this.
 */
export function deinitIoreqServer(domain: Domain): void {
  const server = domain.ioreqServer;
  if (server === undefined) return;
  for (const frame of [server.bufioreq, server.ioreq]) if (frame !== undefined) domain.frames.destroyRing(frame);
  domain.ioreqServer = undefined;
  domain.heap.free();
}
