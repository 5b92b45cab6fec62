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
  readonly space: 'port' | 'memory';
  readonly at: number;
  readonly size: number;
  readonly key: number;
  readonly behaviour: 'bytes' | 'stream';
}

/** Servers, ranges and devices of a guest. Later servers have later ids. */
export interface Layout {
  readonly environment: Environment;
  readonly vcpus: number;
  readonly servers: readonly LayoutServer[];
  readonly parts: readonly DevicePart[];
}
