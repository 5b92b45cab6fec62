import { LabError } from '../../errors.ts';

/**
 * Where a PCI function is, as lspci writes it: `bus:device.function` in hexadecimal, with the segment before it or not:
 * `00:05.0`, `0000:00:05.0`. In an HVM guest QEMU's own functions are on bus 0, devices 0 to 3 in most configurations.
 */
export type PciAddress = `${string}:${string}.${number}`;

/**
 * A PCI address as Xen has it in a request, XEN_DMOP_PCI_SBDF: segment in bits 31 to 16, bus 15 to 8, device 7 to 3,
 * function 2 to 0.
 *
 * @throws LabError `PCI_ADDRESS_INVALID`
 */
export function parsePciAddress(text: string): number {
  const match = /^(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([01]?[0-9a-f])\.([0-7])$/i.exec(text);
  if (match === null) {
    throw new LabError(`${JSON.stringify(text)} is no PCI address`, {
      blame: 'scenario',
      code: 'PCI_ADDRESS_INVALID',
      next: 'write it as lspci does, such as 00:05.0',
    });
  }
  const [segment, bus, device, number] = match.slice(1).map((part) => Number.parseInt(part ?? '0', 16)) as [
    ...[number, number, number, number],
  ];
  return segment * 0x10000 + bus * 0x100 + device * 8 + number;
}

/** The same as text: `0000:00:05.0`. */
export function formatPciAddress(sbdf: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return `${hex(sbdf >>> 16, 4)}:${hex((sbdf >>> 8) & 0xff, 2)}:${hex((sbdf >>> 3) & 31, 2)}.${sbdf & 7}`;
}
