import { frameBytes } from '../../abi/ioreq.ts';
import type { FrameMapper } from '../guest-memory.ts';

/** Made once: what it costs is not to be the test's time. */
const noMemory = new Error('xenforeignmemory_map: invalid argument (EINVAL)');

/** A guest's memory from frame 0 on, which keeps account of its mappings. */
export class FakeMemory implements FrameMapper {
  readonly #frames: readonly Uint8Array[];
  readonly #mapped = new Map<ArrayBuffer, number>();
  /** The most that was ever mapped. */
  most = 0;
  /** Calls of {@link mapMemory}. */
  maps = 0;
  /** The frames of each call of {@link modifiedMemory}. */
  readonly modified: number[][] = [];

  constructor(frames: number) {
    this.#frames = Array.from({ length: frames }, () => new Uint8Array(frameBytes));
  }

  get mapped(): number {
    return this.#mapped.size;
  }

  /** What is in memory. A mapping of the fake is a copy, which is put back when it is unmapped or looked at. */
  bytes(address: number, length: number): Uint8Array {
    for (const [buffer, gfn] of this.#mapped) this.#frames[gfn]?.set(new Uint8Array(buffer));
    return Uint8Array.from({ length }, (_, i) => {
      const at = address + i;
      return this.#frames[Math.floor(at / frameBytes)]?.[at % frameBytes] ?? 0xff;
    });
  }

  mapMemory(gfn: number, frames: number): ArrayBuffer {
    this.maps++;
    const frame = this.#frames[gfn];
    if (frame === undefined || frames !== 1) throw noMemory;
    const buffer = frame.slice().buffer;
    this.#mapped.set(buffer, gfn);
    this.most = Math.max(this.most, this.#mapped.size);
    return buffer;
  }

  modifiedMemory(frames: Float64Array, count: number): void {
    this.modified.push([...frames.subarray(0, count)]);
  }

  unmapMemory(buffer: ArrayBuffer): void {
    const gfn = this.#mapped.get(buffer);
    if (gfn === undefined) throw new TypeError('unmapMemory: expected what mapMemory returned');
    this.#frames[gfn]?.set(new Uint8Array(buffer));
    this.#mapped.delete(buffer);
    structuredClone(buffer, { transfer: [buffer] }); // detaches it, as the addon does
  }
}
