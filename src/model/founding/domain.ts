import type { EventChannels } from '../event-channels.ts';
import { xenBug } from '../xen-bug.ts';
import type { GuestFrames } from './guest-frames.ts';
import type { IoreqServer } from './ioreq-server.ts';
import type { XenHeap } from './xen-heap.ts';

/** Which text of the patch: the posting of January 2014, or commit bb6d5e155d. Their differences are in README.md. */
export type PatchForm = 'rfc' | 'merged';

/** SHUTDOWN_* of Xen's public/sched.h. */
export type ShutdownReason = 'poweroff' | 'reboot' | 'suspend' | 'crash';

/** Where an access of a vCPU stands: enum hvm_io_state. */
export type IoState = 'none' | 'dispatched' | 'awaitingCompletion' | 'completed' | 'pioAwaitingCompletion';

/** struct vcpu. */
export interface Vcpu {
  readonly domain: Domain;
  /** 0 to 127. */
  readonly id: number;
  /** _VPF_blocked_in_xen: waits for an event channel of Xen's. */
  isBlockedInXen: boolean;
  /** Counted beside the domain's. */
  pauseCount: number;
  isPausedForShutdown: boolean;
  /** A request is in flight: a shutdown waits for it. */
  defersShutdown: boolean;
  ioState: IoState;
  /** The answer, once completed. */
  ioData: bigint;
  ioSize: number;
  rax: bigint;
  /** The server that holds the request in flight, which the posted patch kept per vCPU; unused in the merged one. */
  inFlight: IoreqServer | undefined;
}

/** struct domain. */
export interface Domain {
  readonly domid: number;
  readonly kind: 'hvm' | 'pvh' | 'pv';
  readonly form: PatchForm;
  /** dom0's: may do everything. */
  readonly isPrivileged: boolean;
  /** The domain that this one emulates for, when it is a stub domain. */
  readonly target: number | undefined;
  readonly channels: EventChannels;
  readonly heap: XenHeap;
  readonly frames: GuestFrames;
  readonly vcpus: Map<number, Vcpu>;
  /** HVM_PARAM_* by index: 64-bit values; absent means 0. */
  readonly params: Map<number, bigint>;
  pauseCount: number;
  isDying: boolean;
  /** Set by the first shutdown. */
  shutdownReason: ShutdownReason | undefined;
  /** What domain_crash was called for first: what Xen's log says. */
  crash: string | undefined;
  ioreqServer: IoreqServer | undefined;
}

/** vcpu_runnable. */
export function isRunnable(vcpu: Vcpu): boolean {
  return !vcpu.isBlockedInXen && vcpu.pauseCount === 0 && vcpu.domain.pauseCount === 0;
}

/** domain_pause. */
export function pauseDomain(domain: Domain): void {
  domain.pauseCount++;
}

/** domain_unpause. */
export function unpauseDomain(domain: Domain): void {
  if (domain.pauseCount === 0) throw xenBug(`domain_unpause: domain ${domain.domid} is not paused`);
  domain.pauseCount--;
}

/** domain_crash: the domain's vCPUs never run again; what is left of it waits for the toolstack. */
export function crashDomain(domain: Domain, why: string): void {
  domain.crash ??= why;
  shutDownDomain(domain, 'crash');
}

/** domain_shutdown: pauses every vCPU but those with a request in flight, unless the domain crashes. */
export function shutDownDomain(domain: Domain, reason: ShutdownReason): void {
  if (domain.shutdownReason !== undefined) return;
  domain.shutdownReason = reason;
  for (const vcpu of domain.vcpus.values()) {
    if (reason === 'crash') vcpu.defersShutdown = false;
    else if (vcpu.defersShutdown) continue;
    vcpu.pauseCount++;
    vcpu.isPausedForShutdown = true;
  }
}

/** vcpu_start_shutdown_deferral: false when the domain is already shutting down. */
export function startShutdownDeferral(vcpu: Vcpu): boolean {
  if (vcpu.defersShutdown) return true;
  vcpu.defersShutdown = true;
  if (vcpu.domain.shutdownReason !== undefined) checkShutdown(vcpu);
  return vcpu.defersShutdown;
}

/** vcpu_end_shutdown_deferral. */
export function endShutdownDeferral(vcpu: Vcpu): void {
  vcpu.defersShutdown = false;
  if (vcpu.domain.shutdownReason !== undefined) checkShutdown(vcpu);
}

/** vcpu_check_shutdown. */
function checkShutdown(vcpu: Vcpu): void {
  if (!vcpu.isPausedForShutdown) vcpu.pauseCount++;
  vcpu.isPausedForShutdown = true;
  vcpu.defersShutdown = false;
}
