import { isErrno, type Errno } from './errno.ts';
import { xenBug } from './xen-bug.ts';

/** Ports of a domain with two-level event channels, 64-bit: NR_EVENT_CHANNELS. Port 0 is never given out. */
const portsPerDomain = 4096;

/** What Xen does when the other end of a channel of its own sends. */
export type XenConsumer = (vcpu: number, port: number) => void;

/** One open port, as {@link EventChannels.ports} lists it. */
export interface PortState {
  readonly port: number;
  readonly state: 'unbound' | 'interdomain';
  /** Who may bind it, or is bound to it. */
  readonly remoteDomid: number;
  /** Only of a bound one. */
  readonly remotePort?: number;
  /** The vCPU that is told. */
  readonly vcpu: number;
  /** Made by Xen for itself: the domain can neither send on it nor close it. */
  readonly isXen: boolean;
}

interface Channel {
  readonly port: number;
  vcpu: number;
  consumer: XenConsumer | undefined;
  remoteDomid: number;
  /** Undefined while unbound. */
  remotePort: number | undefined;
  pending: boolean;
}

interface Table {
  isDying: boolean;
  readonly channels: Map<number, Channel>;
}

/**
 * The event channels of all domains of a host: Xen's common/event_channel.c, as far as ioreq servers need it, read
 * at bb6d5e155d (2014). Masks, VIRQs, IPIs, PIRQs and the permission checks of XSM are left out.
 */
export class EventChannels {
  readonly #tables = new Map<number, Table>();
  #allocations = 0;
  #failures = new Map<number, Errno>();

  /** Ports given out so far by {@link allocUnboundXen}, {@link allocUnbound} and {@link bindInterdomain}, failures included. */
  get allocations(): number {
    return this.#allocations;
  }

  /**
   * Makes one allocation fail.
   *
   * @param n 1 is the next one
   * @param errno ENOMEM when a bucket of ports cannot be had, ENOSPC when there are no more ports
   */
  failAllocation(n: number, errno: 'ENOMEM' | 'ENOSPC' = 'ENOMEM'): void {
    this.#failures.set(this.#allocations + n, errno);
  }

  /** evtchn_init. */
  addDomain(domid: number): void {
    this.#tables.set(domid, { isDying: false, channels: new Map() });
  }

  /** The first step of domain_kill, and evtchn_destroy: nothing is given out any more and every port is closed. */
  destroyDomain(domid: number): void {
    const table = this.#table(domid);
    table.isDying = true;
    for (const channel of table.channels.values()) {
      channel.consumer = undefined;
      this.#close(domid, channel);
    }
  }

  /**
   * alloc_unbound_xen_event_channel: a port of the guest's that Xen itself holds. Nobody looks whether the remote domain
   * exists.
   *
   * @param consumer called when the other end sends; defaults to nothing
   * @returns the lowest free port; EINVAL when the domain is dying
   */
  allocUnboundXen(
    domid: number,
    vcpu: number,
    remoteDomid: number,
    consumer: XenConsumer = () => undefined,
  ): number | Errno {
    return this.#add(domid, { vcpu, consumer, remoteDomid });
  }

  /** EVTCHNOP_alloc_unbound, for the caller's own domain. */
  allocUnbound(domid: number, remoteDomid: number): number | Errno {
    return this.#add(domid, { vcpu: 0, consumer: undefined, remoteDomid });
  }

  /**
   * free_xen_event_channel. Nothing happens while the domain dies: its ports are closed all at once. The other end, if
   * any, becomes unbound; nobody is told, and a vCPU that waits for it goes on waiting.
   */
  freeXen(domid: number, port: number): void {
    const table = this.#table(domid);
    if (table.isDying) return;
    const channel = table.channels.get(port);
    if (channel?.consumer === undefined) {
      throw xenBug(`free_xen_event_channel: port ${port} of domain ${domid} is none of Xen's`);
    }
    channel.consumer = undefined;
    this.#close(domid, channel);
  }

  /** notify_via_xen_event_channel: what is sent on an unbound port is lost; its binding makes up for it. */
  notifyViaXen(domid: number, port: number): void {
    const table = this.#table(domid);
    if (table.isDying) return;
    const channel = table.channels.get(port);
    if (channel?.consumer === undefined) {
      throw xenBug(`notify_via_xen_event_channel: port ${port} of domain ${domid} is none of Xen's`);
    }
    if (channel.remotePort === undefined) return;
    const remote = this.#table(channel.remoteDomid).channels.get(channel.remotePort);
    if (remote !== undefined) remote.pending = true;
  }

  /**
   * EVTCHNOP_bind_interdomain. The new port is pending at once, as something may have been sent before.
   *
   * @returns the local port; ESRCH for no such domain, EINVAL when the port is not open to the caller
   */
  bindInterdomain(domid: number, remoteDomid: number, remotePort: number): number | Errno {
    const remoteTable = this.#tables.get(remoteDomid);
    if (remoteTable === undefined) return 'ESRCH';
    const local = this.#freePort(this.#table(domid));
    if (isErrno(local)) return local;
    const remote = remoteTable.channels.get(remotePort);
    if (remote === undefined || remote.remotePort !== undefined || remote.remoteDomid !== domid) return 'EINVAL';
    this.#table(domid).channels.set(local, {
      ...{ port: local, vcpu: 0, consumer: undefined, remoteDomid, remotePort, pending: true },
    });
    remote.remotePort = local;
    return local;
  }

  /** EVTCHNOP_send: lost on an unbound port. EINVAL on a free one and on one of Xen's. */
  send(domid: number, port: number): Errno | undefined {
    const channel = this.#table(domid).channels.get(port);
    if (channel === undefined || channel.consumer !== undefined) return 'EINVAL';
    if (channel.remotePort === undefined) return undefined;
    const remote = this.#table(channel.remoteDomid).channels.get(channel.remotePort);
    if (remote?.consumer !== undefined) remote.consumer(remote.vcpu, remote.port);
    else if (remote !== undefined) remote.pending = true;
    return undefined;
  }

  /** EVTCHNOP_close. EINVAL for a free port and for one of Xen's. */
  close(domid: number, port: number): Errno | undefined {
    const channel = this.#table(domid).channels.get(port);
    if (channel === undefined || channel.consumer !== undefined) return 'EINVAL';
    this.#close(domid, channel);
    return undefined;
  }

  /** Whether a port is pending; it is not any more afterwards. */
  takePending(domid: number, port: number): boolean {
    const channel = this.#table(domid).channels.get(port);
    if (channel?.pending !== true) return false;
    channel.pending = false;
    return true;
  }

  /** The open ports of a domain, in the order of their numbers. */
  ports(domid: number): PortState[] {
    return [...this.#table(domid).channels.values()]
      .map(({ port, vcpu, consumer, remoteDomid, remotePort }): PortState => {
        const common = { port, remoteDomid, vcpu, isXen: consumer !== undefined };
        return remotePort === undefined
          ? { ...common, state: 'unbound' }
          : { ...common, state: 'interdomain', remotePort };
      })
      .sort((a, b) => a.port - b.port);
  }

  #table(domid: number): Table {
    const table = this.#tables.get(domid);
    if (table === undefined) throw xenBug(`event channels of domain ${domid}, which does not exist`);
    return table;
  }

  #add(domid: number, channel: Pick<Channel, 'vcpu' | 'consumer' | 'remoteDomid'>): number | Errno {
    const table = this.#table(domid);
    const port = this.#freePort(table);
    if (!isErrno(port)) table.channels.set(port, { ...channel, port, remotePort: undefined, pending: false });
    return port;
  }

  /** get_free_port. */
  #freePort(table: Table): number | Errno {
    const failure = this.#failures.get(++this.#allocations);
    if (table.isDying) return 'EINVAL';
    if (failure !== undefined) return failure;
    for (let port = 1; port < portsPerDomain; port++) if (!table.channels.has(port)) return port;
    return 'ENOSPC';
  }

  /** __evtchn_close. */
  #close(domid: number, channel: Channel): void {
    if (channel.remotePort !== undefined) {
      const remote = this.#tables.get(channel.remoteDomid)?.channels.get(channel.remotePort);
      if (remote !== undefined) {
        remote.remotePort = undefined;
        remote.remoteDomid = domid;
      }
    }
    this.#table(domid).channels.delete(channel.port);
  }
}
