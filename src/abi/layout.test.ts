import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { serveCode, word } from '../server/request.ts';
import { readTrace, traceRecordBytes, type TraceRecord } from '../trace/record.ts';
import { bufferedMode, waitingMode } from '../xen/addon.ts';
import { BufferedPage } from './buffered-page.ts';
import { domidSelf, hvmParam } from './hvm-param.ts';
import { IoreqSlot, type Ioreq } from './ioreq-slot.ts';
import { bufferedSlots, frameBytes, ioreqBytes, ioreqState, ioreqType, maxVcpus, requestBit } from './ioreq.ts';

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
      MAX_VCPUS: maxVcpus,
      IOREQ_BUFFER_SLOT_NUM: bufferedSlots,
      HVM_PARAM_IOREQ_PFN: hvmParam.ioreqPfn,
      HVM_PARAM_BUFIOREQ_PFN: hvmParam.bufioreqPfn,
      HVM_PARAM_DM_DOMAIN: hvmParam.dmDomain,
      HVM_PARAM_BUFIOREQ_EVTCHN: hvmParam.bufioreqEvtchn,
      DOMID_SELF: domidSelf,
      MAX_REFERENCE_RANGES: 256,
      HVM_IOREQSRV_BUFIOREQ_OFF: bufferedMode.off,
      HVM_IOREQSRV_BUFIOREQ_LEGACY: bufferedMode.legacy,
      HVM_IOREQSRV_BUFIOREQ_ATOMIC: bufferedMode.atomic,
      WAITING_BLOCK: waitingMode.block,
      WAITING_SPIN: waitingMode.spin,
      WAITING_ADAPTIVE: waitingMode.adaptive,
      REQUEST_READ: requestBit.read,
      REQUEST_POINTER: requestBit.dataIsPointer,
      REQUEST_BACKWARDS: requestBit.backwards,
      REQUEST_BUFFERED: requestBit.buffered,
    });
  });

  it('about struct ioreq, as the slots of the fake Xen are written', () => {
    expect(section('ioreq')).toEqual({ addr: 0, data: 8, count: 16, size: 20, vp_eport: 24, sizeof: ioreqBytes });
    const byte30 = 30 * 8;
    expect(section('ioreqBits')).toEqual({
      ...{ state: byte30, data_is_ptr: byte30 + 4, dir: byte30 + 5, df: byte30 + 6, type: 31 * 8 },
    });
  });

  it('about struct ioreq, as IoreqSlot reads and writes it', () => {
    const offsets = section('ioreq');
    const bits = section('ioreqBits');
    const none: Ioreq = {
      ...{ type: 0, addr: 0n, data: 0n, count: 0, size: 0 },
      ...{ isRead: false, dataIsPointer: false, backwards: false },
    };
    const cases: [Partial<Ioreq>, at: number, bytes: number[]][] = [
      [{ addr: 0x0807060504030201n }, offsets['addr'] as number, [1, 2, 3, 4, 5, 6, 7, 8]],
      [{ data: 0x0807060504030201n }, offsets['data'] as number, [1, 2, 3, 4, 5, 6, 7, 8]],
      [{ count: 0x84030201 }, offsets['count'] as number, [1, 2, 3, 0x84]],
      [{ size: 0x84030201 }, offsets['size'] as number, [1, 2, 3, 0x84]],
      [{ type: 0xfe }, (bits['type'] as number) >> 3, [0xfe]],
      ...(['dir', 'data_is_ptr', 'df'] as const).map((name, i): [Partial<Ioreq>, number, number[]] => [
        [{ isRead: true }, { dataIsPointer: true }, { backwards: true }][i] ?? {},
        (bits[name] as number) >> 3,
        [1 << ((bits[name] as number) & 7)],
      ]),
    ];
    for (const [change, at, bytes] of cases) {
      const page = new ArrayBuffer(frameBytes);
      const slot = new IoreqSlot(page, maxVcpus - 1);
      slot.write({ ...none, ...change });
      const expected = new Uint8Array(frameBytes);
      expected.set(bytes, (maxVcpus - 1) * ioreqBytes + at);
      expect(new Uint8Array(page)).toEqual(expected);
      expect(slot.read()).toEqual({ ...none, ...change });
    }
    const page = new ArrayBuffer(frameBytes);
    const slot = new IoreqSlot(page, 1);
    slot.state = 5;
    slot.vpEport = 0x80000001;
    slot.write({ ...none, isRead: true });
    const expected = new Uint8Array(frameBytes);
    expected.set([1, 0, 0, 0x80], ioreqBytes + (offsets['vp_eport'] as number));
    expected[ioreqBytes + 30] = 5 | (1 << ((bits['dir'] as number) & 7));
    expect(new Uint8Array(page)).toEqual(expected);
    expect([slot.state, slot.vpEport]).toEqual([5, 0x80000001]);
  });

  it('about the buffered page, as BufferedPage reads and writes it', () => {
    const offsets = section('bufferedPage');
    expect(offsets).toMatchObject({ slot: 8, sizeof: frameBytes });
    const bits = section('buf_ioreqBits');
    const page = new ArrayBuffer(frameBytes);
    const buffered = new BufferedPage(page);
    const word = (at: number): number => new DataView(page).getUint32(at, true);
    buffered.readPointer = 0xfffffffe;
    buffered.writePointer = 3;
    expect([offsets['read_pointer'], offsets['write_pointer']].map((at) => word(at as number))).toEqual([
      0xfffffffe, 3,
    ]);
    expect(buffered.used).toBe(5);

    const slot = { type: 0xfe, addr: 0xabcde, data: 0x84030201, size: 8, isRead: true } as const;
    const count = 0xffffffff;
    buffered.write(count, slot);
    const at = (offsets['buf_ioreq'] as number) + 8 * (count % bufferedSlots);
    const field = (name: string): number =>
      (word(at + 4 * ((bits[name] as number) >> 5)) >>> ((bits[name] as number) & 31)) >>> 0;
    expect([field('type') & 0xff, field('dir') & 1, field('size') & 3, field('addr'), field('data')]).toEqual([
      ...[0xfe, 1, 3, 0xabcde, 0x84030201],
    ]);
    expect(buffered.read(count)).toEqual(slot);
    for (const size of [1, 2, 4, 8] as const) {
      buffered.write(7, { type: 1, addr: 0, data: 0, size, isRead: false });
      expect(buffered.read(7)).toEqual({ type: 1, addr: 0, data: 0, size, isRead: false });
    }
  });
});

describe("the TypeScript agrees with the addon's headers", () => {
  it('about the words of a request', () => {
    const { words: count, ...words } = section('words');
    expect(words).toEqual({
      code: word.code,
      vcpu: word.vcpu,
      type: word.type,
      bits: word.bits,
      addr: word.addrLow,
      data: word.dataLow,
      count: word.count,
      size: word.size,
      answer: word.answerLow,
      region: word.region,
      ring_damaged: word.ringDamaged,
    });
    expect([word.addrHigh, word.dataHigh, word.answerHigh]).toEqual(
      [word.addrLow, word.dataLow, word.answerLow].map((low) => low + 1),
    );
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
    expect([1, 2, 4, 8].map(bits)).toEqual([
      { ...zero, isRead: true },
      { ...zero, dataIsPointer: true },
      { ...zero, backwards: true },
      { ...zero, isBuffered: true },
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
