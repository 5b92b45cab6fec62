import { isErrno, type Errno } from '../errno.ts';
import { unpauseDomain } from './domain.ts';
import type { IoreqServer } from './ioreq-server.ts';
import { updateIoreqServerEvtchn } from './update-ioreq-server-evtchn.ts';

/**
 * hvm_set_ioreq_server_pfn; hvm_set_ioreq_pfn with `buf` 0 in bb6d5e155d. Sets the synchronous page, writes into it the ports of the
 * vCPUs that are there already, and takes back one of the two pauses of {@link initIoreqServer}.
 *
 * @returns EINVAL when the page is set already or the domain is dying; what the mapping gives back
 */
export function setIoreqServerPfn(server: IoreqServer, gfn: number): Errno | undefined {
  const failure = mapIoreqPage(server, 'ioreq', gfn);
  if (failure !== undefined) return failure;
  for (const added of server.vcpus) updateIoreqServerEvtchn(server, added);
  unpauseDomain(server.domain);
  return undefined;
}

/**
 * hvm_set_ioreq_server_buf_pfn; hvm_set_ioreq_pfn with `buf` 1 in bb6d5e155d. The same for the buffered page, which holds no ports.
 */
export function setIoreqServerBufPfn(server: IoreqServer, gfn: number): Errno | undefined {
  const failure = mapIoreqPage(server, 'bufioreq', gfn);
  if (failure === undefined) unpauseDomain(server.domain);
  return failure;
}

/**
 * hvm_map_ioreq_page; hvm_set_ioreq_page when the patch was posted, whose second call released the page in use instead of the
 * one that it had just mapped (mended by 16e2a7596e, 2014-05-02).
 */
function mapIoreqPage(server: IoreqServer, which: 'ioreq' | 'bufioreq', gfn: number): Errno | undefined {
  const { domain } = server;
  const frame = domain.frames.prepareRing(gfn);
  if (isErrno(frame)) return frame;
  const current = server[which];
  if (current !== undefined || domain.isDying) {
    if (domain.form === 'merged') domain.frames.destroyRing(frame);
    else if (current !== undefined) {
      domain.frames.destroyRing(current);
      server[which] = undefined;
    }
    return 'EINVAL';
  }
  server[which] = frame;
  return undefined;
}
