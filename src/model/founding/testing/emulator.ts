import { BufferedPage, type BufferedIoreq } from '../../../abi/buffered-page.ts';
import { hvmParam } from '../../../abi/hvm-param.ts';
import { IoreqSlot, type Ioreq } from '../../../abi/ioreq-slot.ts';
import { bufferedSlots, ioreqState } from '../../../abi/ioreq.ts';
import { isErrno } from '../../errno.ts';
import type { FoundingHost } from '../founding-host.ts';

/** An entry of the ring, with all its data. */
export type RingEntry = Omit<BufferedIoreq, 'data'> & { readonly data: bigint };

/**
 * An emulator of 2014, as QEMU was: it reads the parameters, maps both frames, binds the port of each slot and the buffered
 * channel, and answers what is READY when its event comes.
 */
export class Emulator {
  readonly domid: number;
  readonly #host: FoundingHost;
  readonly #guest: number;
  readonly #page: ArrayBuffer;
  readonly #ports = new Map<number, number>();
  #bufferedPort = 0;
  readonly buffered: BufferedPage;

  /** @throws Error when a parameter cannot be read or a frame is not there */
  constructor(host: FoundingHost, domid: number, guest: number) {
    this.#host = host;
    this.domid = domid;
    this.#guest = guest;
    this.#page = this.#map(hvmParam.ioreqPfn);
    this.buffered = new BufferedPage(this.#map(hvmParam.bufioreqPfn));
    this.bind();
  }

  /** Binds whatever is not bound: vCPUs come later, too. */
  bind(): void {
    const { channels } = this.#host;
    for (const vcpu of this.#host.domain(this.#guest).vcpus.keys()) {
      if (this.#ports.has(vcpu)) continue;
      const port = channels.bindInterdomain(this.domid, this.#guest, this.slot(vcpu).vpEport);
      if (!isErrno(port)) this.#ports.set(vcpu, port);
    }
    const remote = this.#host.getParam(this.domid, this.#guest, hvmParam.bufioreqEvtchn);
    if (this.#bufferedPort !== 0 || isErrno(remote)) return;
    const port = channels.bindInterdomain(this.domid, this.#guest, Number(remote));
    if (!isErrno(port)) this.#bufferedPort = port;
  }

  /** Gives its ports back. */
  close(): void {
    for (const port of [...this.#ports.values(), this.#bufferedPort]) this.#host.channels.close(this.domid, port);
    this.#ports.clear();
    this.#bufferedPort = 0;
  }

  /** Forgets a vCPU that is no more, and closes its port. */
  forget(vcpu: number): void {
    this.#host.channels.close(this.domid, this.#ports.get(vcpu) ?? 0);
    this.#ports.delete(vcpu);
  }

  slot(vcpu: number): IoreqSlot {
    return new IoreqSlot(this.#page, vcpu);
  }

  /** What a vCPU's event brings: a request, now INPROCESS; nothing without an event or when the slot is not READY. */
  take(vcpu: number): Ioreq | undefined {
    if (!this.#host.channels.takePending(this.domid, this.#ports.get(vcpu) ?? 0)) return undefined;
    const slot = this.slot(vcpu);
    if (slot.state !== ioreqState.ready) return undefined;
    slot.state = ioreqState.inProcess;
    return slot.read();
  }

  /** The answer, without the event. */
  write(vcpu: number, data: bigint): void {
    const slot = this.slot(vcpu);
    slot.data = data;
    slot.state = ioreqState.responseReady;
  }

  /** The event. */
  notify(vcpu: number): void {
    this.#host.channels.send(this.domid, this.#ports.get(vcpu) ?? 0);
  }

  answer(vcpu: number, data: bigint): void {
    this.write(vcpu, data);
    this.notify(vcpu);
  }

  /** What the buffered channel's event brings: {@link readRing}; nothing without an event. */
  drain(): RingEntry[] {
    return this.#host.channels.takePending(this.domid, this.#bufferedPort) ? this.readRing() : [];
  }

  /** All entries, at most 511, 8-byte ones put together. */
  readRing(): RingEntry[] {
    const { buffered } = this;
    const entries: RingEntry[] = [];
    while (buffered.readPointer !== buffered.writePointer && entries.length < bufferedSlots) {
      const count = buffered.readPointer;
      const slot = buffered.read(count);
      const isWide = slot.size === 8;
      const high = isWide ? buffered.read(count + 1).data : 0;
      entries.push({ ...slot, data: (BigInt(high) << 32n) | BigInt(slot.data) });
      buffered.readPointer = count + (isWide ? 2 : 1);
    }
    return entries;
  }

  #map(index: number): ArrayBuffer {
    const gfn = this.#host.getParam(this.domid, this.#guest, index);
    const frame = isErrno(gfn) ? undefined : this.#host.domain(this.#guest).frames.get(Number(gfn));
    if (frame === undefined) throw new Error(`no frame behind parameter ${index}`);
    return frame.bytes;
  }
}
