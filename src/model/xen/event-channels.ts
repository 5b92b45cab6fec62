import { XenError } from './xen-error.ts';

/** Highest port of a guest by default: `max_event_channels` of xl. */
const maxPort = 1023;

interface Channel {
  readonly vcpu: number;
  /** Who may bind it. */
  readonly remote: number;
  /** The other end, once bound. */
  local: number | undefined;
}

interface Binding {
  readonly domid: number;
  readonly port: number;
  readonly raised: (local: number) => void;
}

/** Numbers of ports: the lowest free one is given, from 1 on (port 0 is reserved). */
export class PortNumbers {
  readonly #used = new Set<number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  take(): number {
    for (let port = 1; port <= this.#max; port++) {
      if (!this.#used.has(port)) {
        this.#used.add(port);
        return port;
      }
    }
    throw new XenError('ENOSPC', 'no free port');
  }

  give(port: number): void {
    this.#used.delete(port);
  }
}

/**
 * The event channels of a guest whose end is Xen itself (alloc_unbound_xen_event_channel() in
 * xen/common/event_channel.c), and the device models' ends of them.
 */
export class EventChannels {
  readonly #ports: PortNumbers;
  readonly #locals: PortNumbers;
  readonly #woken: (vcpu: number) => void;
  readonly #channels = new Map<number, Channel>();
  readonly #bindings = new Map<number, Binding>();

  /**
   * @param locals where the device models' ports come from
   * @param woken default_xen_notification_fn(): the other end of one of this vCPU's channels was notified
   */
  constructor(locals: PortNumbers, woken: (vcpu: number) => void, max = maxPort) {
    this.#ports = new PortNumbers(max);
    this.#locals = locals;
    this.#woken = woken;
  }

  /** Xen's ends that exist. */
  get open(): number {
    return this.#channels.size;
  }

  /** Device models' ends that are bound. */
  get bound(): number {
    return this.#bindings.size;
  }

  /** A channel for a vCPU that `remote` may bind. Throws XenError ENOSPC. */
  allocate(vcpu: number, remote: number): number {
    const port = this.#ports.take();
    this.#channels.set(port, { vcpu, remote, local: undefined });
    return port;
  }

  /**
   * evtchn_close() of Xen's end: the other end stays, unbound. It wakes nobody, so that a vCPU that waits on the channel
   * goes on waiting until another of its channels is notified.
   */
  free(port: number): void {
    const channel = this.#channels.get(port);
    if (channel === undefined) throw new TypeError(`port ${port} is not open`);
    this.#channels.delete(port);
    this.#ports.give(port);
    if (channel.local !== undefined) this.#bindings.delete(channel.local);
  }

  /**
   * A device model binds the other end. `raised` is called for every event from now on, and at once: evtchn_bind_interdomain() cannot
   * know whether one was lost.
   *
   * @returns the device model's port
   * @throws XenError EINVAL when there is no such channel, or it is not for this domain, or it is bound
   */
  bind(domid: number, port: number, raised: (local: number) => void): number {
    const channel = this.#channels.get(port);
    if (channel === undefined || channel.remote !== domid || channel.local !== undefined) {
      throw new XenError('EINVAL', `port ${port} cannot be bound`);
    }
    const local = this.#locals.take();
    channel.local = local;
    this.#bindings.set(local, { domid, port, raised });
    raised(local);
    return local;
  }

  /** The device model gives its end back, or has ended: Xen's end can be bound again by the same domain. */
  unbind(local: number): void {
    this.#locals.give(local);
    const binding = this.#bindings.get(local);
    if (binding === undefined) return;
    this.#bindings.delete(local);
    const channel = this.#channels.get(binding.port);
    if (channel !== undefined) channel.local = undefined;
  }

  /** The device model notifies Xen. A port whose other end is closed takes no notice, as in evtchn_send(). */
  notify(local: number): void {
    const binding = this.#bindings.get(local);
    const channel = binding && this.#channels.get(binding.port);
    if (channel !== undefined) this.#woken(channel.vcpu);
  }

  /** notify_via_xen_event_channel(): an event nobody has bound is lost. */
  raise(port: number): void {
    const local = this.#channels.get(port)?.local;
    if (local !== undefined) this.#bindings.get(local)?.raised(local);
  }
}
