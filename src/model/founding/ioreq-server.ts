import type { Domain, Vcpu } from './domain.ts';
import type { GuestFrame } from './guest-frames.ts';

/** struct hvm_ioreq_vcpu: what a server has of a vCPU. */
export interface IoreqVcpu {
  readonly vcpu: Vcpu;
  /** The port on the guest's side. */
  ioreqEvtchn: number;
}

/**
 * struct hvm_ioreq_server: the one emulator of a domain. Its locks (`lock`, `bufioreq_lock`) are left out, as the model has
 * one thread.
 */
export interface IoreqServer {
  readonly domain: Domain;
  /** The emulating domain. */
  domid: number;
  /** Undefined until the page is set. */
  ioreq: GuestFrame | undefined;
  bufioreq: GuestFrame | undefined;
  /** The port on the guest's side, of vCPU 0; stale once vCPU 0 is removed, undefined before it was added. */
  bufioreqEvtchn: number | undefined;
  /** `ioreq_vcpu_list`: the newest first, as list_add puts it at the head. */
  vcpus: readonly IoreqVcpu[];
}
