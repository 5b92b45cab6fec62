import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { serveCode, word } from '../server/request.ts';
import { readTrace, traceRecordBytes, type TraceRecord } from '../trace/record.ts';
import { ioreqBytes, ioreqState, ioreqType } from './ioreq.ts';

type Layout = Readonly<Record<string, Readonly<Record<string, number>>>>;

const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-layout-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What the C compiler knows from Xen's headers and the addon's. */
function readLayout(): Layout {
  const source = fileURLToPath(new URL('testing/print-layout.c', import.meta.url));
  const program = join(directory, 'print-layout');
  execFileSync('gcc', ['-std=gnu11', '-D__XEN_TOOLS__', '-D_GNU_SOURCE', '-Wall', '-Werror', '-o', program, source], {
    stdio: 'pipe',
  });
  return JSON.parse(execFileSync(program, { encoding: 'utf8' })) as Layout;
}

const layout = readLayout();
const section = (name: string): Readonly<Record<string, number>> => layout[name] ?? {};

describe("the TypeScript agrees with Xen's headers", () => {
  it('about types and states', () => {
    expect(section('constants')).toEqual({
      IOREQ_TYPE_PIO: ioreqType.pio,
      IOREQ_TYPE_COPY: ioreqType.copy,
      IOREQ_TYPE_PCI_CONFIG: ioreqType.pciConfig,
      IOREQ_TYPE_TIMEOFFSET: ioreqType.timeOffset,
      IOREQ_TYPE_INVALIDATE: ioreqType.invalidate,
      STATE_IOREQ_NONE: ioreqState.none,
      STATE_IOREQ_READY: ioreqState.ready,
      STATE_IOREQ_INPROCESS: ioreqState.inProcess,
      STATE_IORESP_READY: ioreqState.responseReady,
      IOREQ_READ: 1,
      IOREQ_WRITE: 0,
      // What src/xen/addon.ts and the protocol allow.
      MAX_VCPUS: 128,
      MAX_REFERENCE_PORTS: 256,
    });
  });

  it('about struct ioreq, as the slots of the fake Xen are written', () => {
    expect(section('ioreq')).toEqual({ addr: 0, data: 8, count: 16, size: 20, vp_eport: 24, sizeof: ioreqBytes });
    const byte30 = 30 * 8;
    expect(section('ioreqBits')).toEqual({
      ...{ state: byte30, data_is_ptr: byte30 + 4, dir: byte30 + 5, df: byte30 + 6, type: 31 * 8 },
    });
  });
});

describe("the TypeScript agrees with the addon's headers", () => {
  it('about the words of a request', () => {
    const { REQUEST_WORDS: count, ...words } = section('words');
    expect(words).toEqual({
      REQUEST_CODE: word.code,
      REQUEST_VCPU: word.vcpu,
      REQUEST_TYPE: word.type,
      REQUEST_BITS: word.bits,
      REQUEST_SIZE: word.size,
      REQUEST_COUNT: word.count,
      REQUEST_ADDR_LOW: word.addrLow,
      REQUEST_ADDR_HIGH: word.addrHigh,
      REQUEST_DATA_LOW: word.dataLow,
      REQUEST_DATA_HIGH: word.dataHigh,
      ANSWER_LOW: word.answerLow,
      ANSWER_HIGH: word.answerHigh,
      REQUEST_REGION: word.region,
    });
    expect(count).toBeGreaterThan(Math.max(...Object.values(word)));
  });

  it('about why serving came back', () => {
    expect(section('codes')).toEqual({
      SERVE_REQUEST: serveCode.request,
      SERVE_INTERRUPTED: serveCode.interrupted,
      SERVE_DISPLACED: serveCode.displaced,
      SERVE_FAILED: serveCode.failed,
    });
  });

  it('about the trace record: every field is read from where the recorder puts it', () => {
    const { sizeof: size, ...offsets } = section('record');
    expect(size).toBe(traceRecordBytes);
    const fields: Record<string, [keyof TraceRecord, bytes: 1 | 2 | 4 | 8]> = {
      tsc_taken: ['takenAt', 8],
      tsc_answered: ['answeredAt', 8],
      addr: ['address', 8],
      data: ['data', 8],
      answer: ['answer', 8],
      count: ['count', 4],
      size: ['size', 4],
      sequence: ['sequence', 4],
      vcpu: ['vcpu', 2],
      type: ['type', 1],
    };
    expect(Object.keys(offsets)).toEqual([...Object.keys(fields), 'bits', 'origin']);
    const zero = readTrace(new Uint8Array(traceRecordBytes))[0] as TraceRecord;
    for (const [name, [key, width]] of Object.entries(fields)) {
      const bytes = new Uint8Array(traceRecordBytes);
      const at = offsets[name] as number;
      for (let byte = 0; byte < width; byte++) bytes[at + byte] = byte + 1;
      const value = BigInt(new DataView(bytes.buffer).getBigUint64(at - (at % 8), true) >> BigInt((at % 8) * 8));
      const expected = BigInt.asUintN(width * 8, value);
      expect(readTrace(bytes)).toEqual([{ ...zero, [key]: width === 8 ? expected : Number(expected) }]);
    }
    const bits = (value: number): unknown => {
      const bytes = new Uint8Array(traceRecordBytes);
      bytes[offsets['bits'] as number] = value;
      return readTrace(bytes)[0];
    };
    expect([1, 2, 4].map(bits)).toEqual([
      { ...zero, isRead: true },
      { ...zero, dataIsPointer: true },
      { ...zero, backwards: true },
    ]);
  });

  it('about who answered', () => {
    const origins = Object.entries(section('origins')).map(([name, value]) => {
      const bytes = new Uint8Array(traceRecordBytes);
      bytes[section('record')['origin'] as number] = value;
      return `TRACE_${readTrace(bytes)[0]?.origin.toUpperCase()}` === name;
    });
    expect(origins).toEqual([true, true, true]);
  });
});
