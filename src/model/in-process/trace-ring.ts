import { traceRecordBytes } from '../../trace/record.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';

/** `TRACE_RECORDS` of src/native/trace.h. */
const maxRecords = 16_384;
/** Grown as needed: a guest of a unit test makes few requests. */
const firstRecords = 64;

/** `enum trace_origin` of src/native/trace.h. */
export const traceOrigin = { handler: 0, watchdog: 1, closing: 2 } as const;

/** The flight recorder of one server, in the format of src/trace/record.ts. */
export class TraceRing {
  #view = new DataView(new ArrayBuffer(firstRecords * traceRecordBytes));
  /** Records ever written. */
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(
    vcpu: number,
    request: Ioreq,
    bits: number,
    { answer, takenAt, answeredAt, origin }: { answer: bigint; takenAt: bigint; answeredAt: bigint; origin: number },
  ): void {
    this.#grow();
    const at = (this.#count % maxRecords) * traceRecordBytes;
    const view = this.#view;
    view.setBigUint64(at, takenAt, true);
    view.setBigUint64(at + 8, answeredAt, true);
    view.setBigUint64(at + 16, request.addr, true);
    view.setBigUint64(at + 24, request.data, true);
    view.setBigUint64(at + 32, answer, true);
    view.setUint32(at + 40, request.count, true);
    view.setUint32(at + 44, request.size, true);
    view.setUint32(at + 48, this.#count, true);
    view.setUint16(at + 52, vcpu, true);
    view.setUint8(at + 54, request.type);
    view.setUint8(at + 55, bits);
    view.setUint8(at + 56, origin);
    this.#count++;
  }

  /** A copy of the newest records, oldest first. */
  read(): ArrayBuffer {
    const bytes = new Uint8Array(this.#view.buffer);
    const kept = Math.min(this.#count, maxRecords) * traceRecordBytes;
    if (this.#count <= maxRecords) return bytes.slice(0, kept).buffer;
    const split = (this.#count % maxRecords) * traceRecordBytes;
    const copy = new Uint8Array(kept);
    copy.set(bytes.subarray(split));
    copy.set(bytes.subarray(0, split), kept - split);
    return copy.buffer;
  }

  #grow(): void {
    const { buffer } = this.#view;
    if (this.#count >= maxRecords || this.#count * traceRecordBytes < buffer.byteLength) return;
    const grown = new Uint8Array(buffer.byteLength * 4);
    grown.set(new Uint8Array(buffer));
    this.#view = new DataView(grown.buffer);
  }
}
