import { parsePciAddress } from '../../src/device/index.ts';
import type { TraceRange } from '../../src/model/oracle/check-trace.ts';

/** Ports, the last one included; one port when it is left out. */
export function ports(start: number, end: number = start): TraceRange {
  return { kind: 'port', start: BigInt(start), end: BigInt(end) };
}

/** Guest-physical addresses, the last one included. */
export function memory(start: number | bigint, end: number | bigint): TraceRange {
  return { kind: 'memory', start: BigInt(start), end: BigInt(end) };
}

/** A PCI function, such as `00:1d.0`. */
export function pciFunction(address: string): TraceRange {
  const sbdf = BigInt(parsePciAddress(address));
  return { kind: 'pci', start: sbdf, end: sbdf };
}
