import type { BufferedPage } from './buffered-page.ts';
import type { IoreqPage } from './ioreq-page.ts';
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

/** A page of a server, and by which of the two ways the device model got it. */
export interface ServerPage<T> {
  readonly page: T;
  /** The guest frame; undefined for a page got by acquire_resource. */
  readonly gfn: number | undefined;
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
  ioreq: ServerPage<IoreqPage> | undefined;
  buffered: ServerPage<BufferedPage> | undefined;

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
    return this.mode !== 0;
  }
}
