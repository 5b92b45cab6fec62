import { maxVcpus } from '../../abi/ioreq.ts';
import { hvmParam } from '../../abi/hvm-param.ts';
import { LabError } from '../../errors.ts';
import type { Errno } from '../errno.ts';
import { EventChannels } from '../event-channels.ts';
import { addVcpu } from './add-vcpu.ts';
import { deinitIoreqServer } from './deinit-ioreq-server.ts';
import { pauseDomain, type Domain, type PatchForm, type Vcpu } from './domain.ts';
import { GuestFrames } from './guest-frames.ts';
import { initIoreqServer } from './init-ioreq-server.ts';
import { getParam, setParam } from './params.ts';
import { removeVcpu } from './remove-vcpu.ts';
import { XenHeap } from './xen-heap.ts';

/** Options of {@link FoundingHost.createDomain}. */
export interface DomainOptions {
  /** Defaults to `hvm`; only such a domain has an ioreq server. */
  readonly kind?: Domain['kind'];
  readonly isPrivileged?: boolean;
  /** Of a stub domain: the domain that it emulates for. */
  readonly target?: number;
}

/** A host with the Xen of the patch: its domains, their life and their hypercalls. dom0 is there from the start. */
export class FoundingHost {
  readonly form: PatchForm;
  readonly channels = new EventChannels();
  readonly heap = new XenHeap();
  readonly domains = new Map<number, Domain>();

  constructor(form: PatchForm = 'merged') {
    this.form = form;
    this.createDomain(0, { kind: 'pv', isPrivileged: true });
  }

  /** evtchn_init and hvm_domain_initialise. A failure leaves no domain behind. */
  createDomain(domid: number, options: DomainOptions = {}): Errno | undefined {
    const domain: Domain = {
      ...{ domid, kind: options.kind ?? 'hvm', form: this.form, isPrivileged: options.isPrivileged ?? false },
      ...{ target: options.target, channels: this.channels, heap: this.heap, frames: new GuestFrames() },
      ...{ vcpus: new Map<number, Vcpu>(), params: new Map<number, bigint>(), pauseCount: 0, isDying: false },
      ...{ shutdownReason: undefined, crash: undefined, ioreqServer: undefined },
    };
    if (domain.kind === 'hvm') {
      const failure = initIoreqServer(domain, Number(domain.params.get(hvmParam.dmDomain) ?? 0n));
      if (failure !== undefined) return failure;
    }
    this.channels.addDomain(domid);
    this.domains.set(domid, domain);
    return undefined;
  }

  /** alloc_vcpu and hvm_vcpu_initialise. A failure leaves no vCPU behind. */
  createVcpu(domid: number, id: number): Errno | undefined {
    const domain = this.domain(domid);
    if (id >= maxVcpus || domain.vcpus.has(id)) {
      throw new LabError(`vCPU ${id} is beyond ${maxVcpus - 1} or there already`, {
        blame: 'usage',
        code: 'VCPU_INVALID',
      });
    }
    const vcpu: Vcpu = {
      ...{ domain, id, isBlockedInXen: false, pauseCount: 0, isPausedForShutdown: false, defersShutdown: false },
      ...{ ioState: 'none', ioData: 0n, ioSize: 0, rax: 0n, inFlight: undefined },
    };
    if (domain.ioreqServer !== undefined) {
      const failure = addVcpu(domain.ioreqServer, vcpu);
      if (failure !== undefined) return failure;
    }
    domain.vcpus.set(id, vcpu);
    return undefined;
  }

  /** hvm_vcpu_destroy. Real Xen does it only as part of a domain's end. */
  destroyVcpu(domid: number, id: number): void {
    const vcpu = this.vcpu(domid, id);
    if (vcpu.domain.ioreqServer !== undefined) removeVcpu(vcpu.domain.ioreqServer, vcpu);
    vcpu.domain.vcpus.delete(id);
  }

  /** domain_kill, then domain_destroy: all channels at once, the server, the vCPUs. */
  destroyDomain(domid: number): void {
    const domain = this.domain(domid);
    pauseDomain(domain);
    domain.isDying = true;
    this.channels.destroyDomain(domid);
    // What add_vcpu allocated is freed with the vCPU, through the server: so before it, unlike in bb6d5e155d.
    for (const id of domain.vcpus.keys()) this.destroyVcpu(domid, id);
    deinitIoreqServer(domain);
    this.domains.delete(domid);
  }

  /** HVMOP_set_param; see {@link setParam}. */
  setParam(caller: number, domid: number, index: number, value: bigint): Errno | undefined {
    return setParam(this.domains, this.domain(caller), domid, index, value);
  }

  /** HVMOP_get_param; see {@link getParam}. */
  getParam(caller: number, domid: number, index: number): bigint | Errno {
    return getParam(this.domains, this.domain(caller), domid, index);
  }

  /** @throws LabError `DOMAIN_UNKNOWN` */
  domain(domid: number): Domain {
    const domain = this.domains.get(domid);
    if (domain === undefined) throw new LabError(`no domain ${domid}`, { blame: 'usage', code: 'DOMAIN_UNKNOWN' });
    return domain;
  }

  /** @throws LabError `DOMAIN_UNKNOWN`, `VCPU_UNKNOWN` */
  vcpu(domid: number, id: number): Vcpu {
    const vcpu = this.domain(domid).vcpus.get(id);
    if (vcpu === undefined)
      throw new LabError(`domain ${domid} has no vCPU ${id}`, { blame: 'usage', code: 'VCPU_UNKNOWN' });
    return vcpu;
  }
}
