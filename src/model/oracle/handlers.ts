import { ioreqType } from '../../abi/ioreq.ts';
import type { OracleRules } from './rules.ts';
import type { IoRequest } from './world.ts';

/** `hvm`: with the devices that Xen emulates for QEMU's PC; `pvh`: with a local APIC alone. */
export type Platform = 'hvm' | 'pvh';

/**
 * What Xen's own handlers make of a request before any ioreq server is asked (hvm_io_intercept):
 *
 * - `none`: nothing; it goes to the server of its range.
 * - `taken`: it is done, and no server sees it.
 * - `passedOn`: a handler looked at it and let go, which cuts a batch to one repetition (hvm_process_io_intercept).
 * - `buffered`: put on the ring of the server of its range, if there is one; else as `passedOn`.
 * - `depends`: on the state of a device that Xen emulates.
 * - `crash`: it begins inside a handler's memory and ends outside, for which Xen crashes the domain (hvm_mmio_accept).
 */
export type Handling = 'none' | 'taken' | 'passedOn' | 'buffered' | 'depends' | 'crash';

interface Ports {
  readonly first: number;
  readonly count: number;
  readonly handling: Handling;
  readonly onlyHvm?: true;
}

/** XEN_HVM_DEBUGCONS_IOPORT. */
const debugConsole = 0xe9;

/** Ports of register_portio_handler: an access is the handler's when all of it is inside. */
const portHandlers: readonly Ports[] = [
  // hvm_access_cf8: keeps what a write of four bytes says, and never takes anything.
  { first: 0xcf8, count: 4, handling: 'passedOn' },
  // hvm_print_line.
  { first: debugConsole, count: 1, handling: 'taken' },
  // vpic_intercept_pic_io.
  { first: 0x20, count: 2, handling: 'taken', onlyHvm: true },
  { first: 0xa0, count: 2, handling: 'taken', onlyHvm: true },
  // handle_pit_io, handle_speaker_io.
  { first: 0x40, count: 4, handling: 'taken', onlyHvm: true },
  { first: 0x61, count: 1, handling: 'taken', onlyHvm: true },
  // handle_rtc_io: lets go of what is beyond the clock's registers.
  { first: 0x70, count: 2, handling: 'depends', onlyHvm: true },
  // handle_evt_io and handle_pmt_io, where they are unless HVM_PARAM_ACPI_IOPORTS_LOCATION moves them.
  { first: 0x1f40, count: 4, handling: 'taken', onlyHvm: true },
  { first: 0x1f48, count: 4, handling: 'taken', onlyHvm: true },
];

/** vpic_intercept_elcr_io. */
const elcr = 0x4d0;
/** stdvga_intercept_pio, as long as Xen had a copy of the registers: it watches, and takes nothing. */
const vgaPorts = [0x3c4, 0x3ce];

interface Memory {
  readonly start: bigint;
  readonly bytes: bigint;
  readonly onlyHvm?: true;
}

/** Memory of register_mmio_handler, where it is after a reset. */
const memoryHandlers: readonly Memory[] = [
  // vlapic_mmio_ops.
  { start: 0xfee0_0000n, bytes: 0x1000n },
  // vioapic_mmio_ops (VIOAPIC_MEM_LENGTH), hpet_mmio_ops (HPET_MMAP_SIZE).
  { start: 0xfec0_0000n, bytes: 0x100n, onlyHvm: true },
  { start: 0xfed0_0000n, bytes: 0x400n, onlyHvm: true },
];

const videoMemory = { start: 0xa_0000n, end: 0xc_0000n };

/** The first and the last byte of all repetitions: ioreq_mmio_first_byte, ioreq_mmio_last_byte. */
export function extentOf({ address, size, count, backwards }: IoRequest): { first: bigint; last: bigint } {
  const more = BigInt((count - 1) * size);
  const first = backwards ? address - more : address;
  return { first, last: first + more + BigInt(size) - 1n };
}

/**
 * What Xen itself does with a request. Without pass-through devices, whose ports and MSI-X tables are Xen's too, and
 * without introspection.
 */
export function handlingOf(request: IoRequest, platform: Platform, rules: OracleRules): Handling {
  return request.type === ioreqType.pio
    ? portHandling(Number(request.address), request, platform, rules)
    : memoryHandling(request, platform, rules);
}

function portHandling(port: number, { size, isRead }: IoRequest, platform: Platform, rules: OracleRules): Handling {
  const isInside = (first: number, count: number): boolean => port >= first && port + size <= first + count;
  const found = portHandlers.find(({ first, count }) => isInside(first, count));
  if (found?.first === debugConsole && isRead && !rules.debugConsoleReads) return 'passedOn';
  if (found !== undefined) return platform === 'pvh' && found.onlyHvm ? 'none' : found.handling;
  if (platform === 'pvh') return 'none';
  if (isInside(elcr, 2) && (size === 1 || rules.elcrOneHandler)) return 'taken';
  if (!rules.videoMemoryNotCached && vgaPorts.some((first) => isInside(first, 2))) return 'passedOn';
  return 'none';
}

function memoryHandling(request: IoRequest, platform: Platform, rules: OracleRules): Handling {
  const { first, last } = extentOf(request);
  for (const { start, bytes, onlyHvm } of memoryHandlers) {
    if ((platform === 'pvh' && onlyHvm) || first < start || first >= start + bytes) continue;
    return last < start + bytes ? 'taken' : 'crash';
  }
  const isVideo = platform === 'hvm' && first >= videoMemory.start && last < videoMemory.end;
  if (!isVideo) return 'none';
  const isSingleWrite = !request.isRead && !request.dataIsPointer && request.count === 1;
  if (isSingleWrite) return 'buffered';
  // stdvga_mem_accept: a batch of writes is refused, and what else there is only while there is a copy.
  const isBatchOfWrites = !request.isRead && request.count > 1;
  return isBatchOfWrites || rules.videoMemoryNotCached ? 'none' : 'depends';
}
