import { BufferedPage } from '../../abi/buffered-page.ts';
import { maxVcpus } from '../../abi/ioreq.ts';
import { IoreqSlot } from '../../abi/ioreq-slot.ts';
import { bufferedMode } from './buffered-ring.ts';
import { Rangeset } from './rangeset.ts';

/** What ranges are of: XEN_DMOP_IO_RANGE_* of public/hvm/dm_op.h. */
export const rangeType = { port: 0, memory: 1, pci: 2 } as const;

/** A server's part in one vCPU: struct ioreq_vcpu. */
export interface ServerVcpu {
  /** Xen's end of the channel. */
  readonly port: number;
  /** A request was sent and Xen has not taken its answer. */
  pending: boolean;
}

/** A page of a server: real bytes, which the device model sees too. */
class ServerPage {
  readonly bytes: ArrayBuffer;
  /** The guest frame that it is; undefined for a page got by acquire_resource. */
  readonly gfn: number | undefined;

  constructor(bytes: ArrayBuffer, gfn: number | undefined) {
    this.bytes = bytes;
    this.gfn = gfn;
  }

  /** clear_page(). */
  clear(): void {
    new Uint8Array(this.bytes).fill(0);
  }
}

/** The synchronous page, `shared_iopage`. */
export class SynchronousPage extends ServerPage {
  /** By vCPU. */
  readonly slots = Array.from({ length: maxVcpus }, (_, vcpu) => new IoreqSlot(this.bytes, vcpu));
}

/** The ring's page, `buffered_iopage`. */
export class RingPage extends ServerPage {
  readonly ring = new BufferedPage(this.bytes);
}

/** An ioreq server as Xen keeps it: struct ioreq_server. {@link Domain} works on it. */
export class IoreqServer {
  readonly id: number;
  /** The domain that created it, and alone may use it. */
  readonly emulator: number;
  /** `bufferedMode`. */
  readonly mode: number;
  readonly vcpus: readonly ServerVcpu[];
  /** Xen's end of the ring's channel. */
  readonly bufferedPort: number | undefined;
  /** By {@link rangeType}. */
  readonly ranges: readonly Rangeset[] = [new Rangeset(), new Rangeset(), new Rangeset()];
  enabled = false;
  ioreq: SynchronousPage | undefined;
  buffered: RingPage | undefined;

  constructor(
    id: number,
    emulator: number,
    mode: number,
    vcpus: readonly ServerVcpu[],
    bufferedPort: number | undefined,
  ) {
    this.id = id;
    this.emulator = emulator;
    this.mode = mode;
    this.vcpus = vcpus;
    this.bufferedPort = bufferedPort;
  }

  get hasRing(): boolean {
    return this.mode !== bufferedMode.off;
  }
}
