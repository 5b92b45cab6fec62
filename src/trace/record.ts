/**
 * The flight recorder's record: `struct trace_record` of src/native/trace.h, 64 bytes, little endian.
 */
export const traceRecordBytes = 64;

/** Who gave the answer: the handler, the watchdog in its place, or the orderly end of the server. */
export type TraceOrigin = 'handler' | 'watchdog' | 'closing';
const origins: readonly TraceOrigin[] = ['handler', 'watchdog', 'closing'];

/** One ioreq that a server saw. */
export interface TraceRecord {
  /** Of its server, from 0. */
  readonly sequence: number;
  /** The vCPU that made the access. */
  readonly vcpu: number;
  /** {@link ioreqType} of src/abi. */
  readonly type: number;
  /** `dir`: the guest reads. */
  readonly isRead: boolean;
  /** `data_is_ptr`: `data` is the guest-physical address of the data. */
  readonly dataIsPointer: boolean;
  /** `df`: addresses step downwards. */
  readonly backwards: boolean;
  /** It came through the buffered ring: no vCPU waited for it, and which one wrote it is not known (`vcpu` is 0). */
  readonly isBuffered: boolean;
  /** Bytes of one repetition. */
  readonly size: number;
  /** Repetitions. */
  readonly count: number;
  /** Port, or guest-physical address. */
  readonly address: bigint;
  /** As Xen sent it: the value written, or where the data is. */
  readonly data: bigint;
  /** As it was left in the slot. */
  readonly answer: bigint;
  readonly origin: TraceOrigin;
  /** Dom0's TSC when the request was taken from its slot. */
  readonly takenAt: bigint;
  /** Dom0's TSC just before the answer was made visible. */
  readonly answeredAt: bigint;
}

/**
 * Reads the records of a `<server>.trace` file: what the server saw, oldest first, at most the newest 16384 of each lane.
 *
 * @throws RangeError when the bytes are not whole records or hold what no recorder writes.
 */
export function readTrace(bytes: Uint8Array): TraceRecord[] {
  if (bytes.length % traceRecordBytes !== 0) {
    throw new RangeError(`a trace of ${bytes.length} bytes is not a whole number of ${traceRecordBytes}-byte records`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / traceRecordBytes }, (_, i) => readRecord(view, i * traceRecordBytes));
}

/** A trace without its records before a sequence. */
export function recordsFrom(trace: Uint8Array, sequence = 0): Uint8Array {
  if (trace.length < traceRecordBytes) return trace;
  const first = new DataView(trace.buffer, trace.byteOffset, trace.byteLength).getUint32(48, true);
  return trace.subarray(Math.max(0, sequence - first) * traceRecordBytes);
}

function readRecord(view: DataView, at: number): TraceRecord {
  const bits = view.getUint8(at + 55);
  const origin = origins[view.getUint8(at + 56)];
  if (origin === undefined || bits > 15) throw new RangeError(`trace record at byte ${at} is damaged`);
  return {
    takenAt: view.getBigUint64(at, true),
    answeredAt: view.getBigUint64(at + 8, true),
    address: view.getBigUint64(at + 16, true),
    data: view.getBigUint64(at + 24, true),
    answer: view.getBigUint64(at + 32, true),
    count: view.getUint32(at + 40, true),
    size: view.getUint32(at + 44, true),
    sequence: view.getUint32(at + 48, true),
    vcpu: view.getUint16(at + 52, true),
    type: view.getUint8(at + 54),
    isRead: (bits & 1) !== 0,
    dataIsPointer: (bits & 2) !== 0,
    backwards: (bits & 4) !== 0,
    isBuffered: (bits & 8) !== 0,
    origin,
  };
}
