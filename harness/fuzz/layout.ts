import type { Environment } from '../../src/agent/protocol.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';

/** A server of a generated layout. */
export interface LayoutServer {
  readonly name: string;
  readonly options: ServerOptions;
}

/** A region of a server's device: fuzz.device.ts. Of one vCPU. */
export interface DevicePart {
  readonly server: string;
  /** Whose programs go there. */
  readonly vcpu: number;
  /** `pci`: registers of a PCI function of its own, from {@link pciRegisters} on. */
  readonly space: 'port' | 'memory' | 'pci';
  /** Of a PCI function: segment, bus and devfn. */
  readonly at: number;
  readonly size: number;
  readonly key: number;
  readonly behaviour: 'bytes' | 'stream';
}

/** The registers of a PCI function that are the device's own. */
export const pciRegisters = { offset: 0x40, size: 0xc0 } as const;

/** Servers, ranges and devices of a guest. Later servers have later ids. */
export interface Layout {
  readonly environment: Environment;
  readonly vcpus: number;
  readonly servers: readonly LayoutServer[];
  readonly parts: readonly DevicePart[];
}
