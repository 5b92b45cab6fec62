import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HostSymbols, Place } from './symbols.ts';

/** HF_GUEST_MASK of QEMU's target/i386/cpu.h: the processor runs a guest of Xen. */
const guestFlag = 1 << 21;
/** Xen's own code and data: XEN_VIRT_START in xen/arch/x86/include/asm/config.h, and its stubs. */
const xenStart = 0xffff_82d0_0000_0000n;
const xenEnd = 0xffff_8300_0000_0000n;
/** The upper half of the address space. */
const kernelStart = 0xffff_8000_0000_0000n;

/** One round trip: the instructions of the whole machine, in order. */
export type Trip = readonly Place[];

/** Names an instruction. dom0 has processor 0. */
export function placeOf(symbols: HostSymbols, cpu: number, pc: bigint, flags: number): Place {
  if ((flags & guestFlag) !== 0) return { side: 'guest', name: '' };
  if (pc >= xenStart && pc < xenEnd) {
    return { side: cpu === 0 ? 'Xen, on dom0’s processor' : 'Xen, on the guest’s processor', name: symbols.xen.at(pc) };
  }
  if (pc >= kernelStart) return { side: 'dom0’s kernel', name: symbols.kernel.at(pc) };
  return symbols.process.at(pc) ?? { side: 'other processes', name: '' };
}

/**
 * Reads QEMU's log of single instructions (`log exec,nochain` after `singlestep on`). A round trip begins where the guest
 * jumps back to the start of its measuring loop (guests/workload/samplers.S); what is cut off at both ends is left out.
 */
export async function readTrips(lines: AsyncIterable<string>, symbols: HostSymbols): Promise<Trip[]> {
  const trips: Trip[] = [];
  const known = new Map<string, Place>();
  let trip: Place[] | undefined;
  let last = '';
  for await (const line of lines) {
    const [, cpu = '', pc = '', flags = ''] =
      /^Trace (\d+): \S+ \[[0-9a-f]+\/([0-9a-f]+)\/([0-9a-f]+)\//.exec(line) ?? [];
    if (pc === '') continue;
    const key = `${cpu}/${pc}/${flags}`;
    let place = known.get(key);
    if (place === undefined) {
      place = placeOf(symbols, Number(cpu), BigInt(`0x${pc}`), Number.parseInt(flags, 16));
      known.set(key, place);
    }
    if (place.side === 'guest') {
      if (pc < last) {
        if (trip !== undefined) trips.push(trip);
        trip = [];
      }
      last = pc;
    }
    trip?.push(place);
  }
  return trips;
}

/** {@link readTrips} of a file. */
export async function readTripsOf(file: string, symbols: HostSymbols): Promise<Trip[]> {
  return await readTrips(createInterface({ input: createReadStream(file) }), symbols);
}

/** The trip of median length. */
export function medianTrip(trips: readonly Trip[]): Trip {
  return trips.toSorted((a, b) => a.length - b.length)[trips.length >> 1] ?? [];
}

/** Instructions by side and function, most first. */
export function toTable(trip: Trip, most: number): string {
  const sides = new Map<string, Map<string, number>>();
  for (const { side, name } of trip) {
    const functions = sides.get(side) ?? new Map<string, number>();
    sides.set(side, functions.set(name, (functions.get(name) ?? 0) + 1));
  }
  const sum = (functions: Map<string, number>): number => [...functions.values()].reduce((a, b) => a + b, 0);
  const lines: string[] = [];
  for (const [side, functions] of [...sides].toSorted((a, b) => sum(b[1]) - sum(a[1]))) {
    lines.push(`${String(sum(functions)).padStart(7)}  ${side}`);
    for (const [name, count] of [...functions].toSorted((a, b) => b[1] - a[1]).slice(0, most)) {
      if (name !== '') lines.push(`${String(count).padStart(13)}  ${name}`);
    }
  }
  return lines.join('\n');
}

/** What happens one after the other: a line for each stretch in one function. */
export function toStory(trip: Trip): string {
  const lines: string[] = [];
  let from = 0;
  for (let i = 1; i <= trip.length; i++) {
    const first = trip[from];
    if (trip[i] === first || (trip[i]?.side === first?.side && trip[i]?.name === first?.name)) continue;
    lines.push(`${String(i - from).padStart(7)}  ${first?.side}  ${first?.name}`);
    from = i;
  }
  return lines.join('\n');
}
