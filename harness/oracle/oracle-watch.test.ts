import { describe, expect, it } from 'vitest';
import { ProgramBuilder, type OperationResult, type Program, type ProgramResults } from '../../guests/program/index.ts';
import { isLabError } from '../../src/errors.ts';
import { formatComparisons } from '../../src/model/oracle/describe.ts';
import type { TraceServer } from '../../src/model/oracle/check-trace.ts';
import { traceRecordBytes } from '../../src/trace/record.ts';
import { watchResults } from './matcher.ts';
import { OracleWatch } from './oracle-watch.ts';

/** Bytes of trace records of reads of port 0x5000, 4 bytes wide, which were answered with these values. */
function traceOf(values: readonly number[], first = 0): Uint8Array {
  const bytes = new Uint8Array(values.length * traceRecordBytes);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    const at = i * traceRecordBytes;
    view.setBigUint64(at + 16, 0x5000n, true);
    view.setUint32(at + 32, value, true);
    view.setUint32(at + 40, 1, true);
    view.setUint32(at + 44, 4, true);
    view.setUint32(at + 48, first + i, true);
    view.setUint8(at + 55, 1);
  });
  return bytes;
}

const servers: TraceServer[] = [{ name: 'main', ranges: [{ kind: 'port', start: 0x5000n, end: 0x5003n }] }];
const program = (build: (program: ProgramBuilder) => ProgramBuilder): Program => build(new ProgramBuilder()).build();
const twice = program((program) => program.in(0x5000, 4).in(0x5000, 4));

function resultsOf(values: readonly number[]): ProgramResults {
  const results = values.map((value): OperationResult => {
    const gpr = { rax: BigInt(value), rbx: 0n, rcx: 0n, rdx: 0x5000n, rsi: 0n, rdi: 0n };
    return { op: 'in', value, ...gpr, rflags: 2n, cycles: 0 };
  });
  return { vcpu: 0, sequence: 1, started: 0n, ended: 0n, results };
}

function makeWatch(trace: () => Uint8Array): OracleWatch {
  return new OracleWatch({
    guest: { environment: 'pvh', trace: async () => trace() },
    xenVersion: async () => '4.20.5-pre',
    servers: () => servers,
  });
}

describe('toMatchOracle', () => {
  it('passes when trace, program and results agree, and looks at each record once', async () => {
    let trace = traceOf([1, 2]);
    const watch = makeWatch(() => trace);
    const first = resultsOf([1, 2]);
    watch.note([twice], [first]);
    watchResults(watch, [first]);
    await expect(first).toMatchOracle();
    trace = traceOf([2, 3, 4], 1);
    const second = resultsOf([3, 4]);
    watch.note([twice], [second]);
    watchResults(watch, [second]);
    await expect([second]).toMatchOracle();
    await expect(second).toMatchOracle();
  });

  it('fails when the guest saw something else, and shows it', async () => {
    const watch = makeWatch(() => traceOf([1, 2]));
    const seen = resultsOf([1, 3]);
    watch.note([twice], [seen]);
    watchResults(watch, [seen]);
    await expect(expect(seen).toMatchOracle()).rejects.toThrow(/run 1, vCPU 0: in 0x5000 4\n[^]*! rax 0x2 +\| rax 0x3/);
  });

  it('does not know what is no result of a run', async () => {
    await expect(expect({}).toMatchOracle()).rejects.toThrow(TypeError);
  });
});

describe('a watch', () => {
  it('says so when the trace does not go back far enough', async () => {
    const watch = makeWatch(() => traceOf([2], 1));
    watch.note([twice], [resultsOf([1, 2])]);
    const error: unknown = await watch.check().catch((error: unknown) => error);
    expect(isLabError(error) && [error.blame, error.code]).toEqual(['scenario', 'TRACE_OVERFLOW']);
  });

  it('keeps what a server has seen that was closed, beside that of one with its name', async () => {
    let present = servers;
    const checked = async (first: number[], second: number[]): Promise<string> => {
      const watch = new OracleWatch({
        guest: { environment: 'pvh', trace: async () => traceOf(second) },
        xenVersion: async () => '4.20',
        servers: () => present,
      });
      present = servers;
      watch.note([twice], [resultsOf([1, 2])]);
      watch.noteClosed({ name: 'main', ranges: servers[0]?.ranges ?? [] }, traceOf(first));
      present = servers.map(({ name, ranges }) => ({ name, ranges: [...ranges] }));
      watch.note([twice], [resultsOf([3, 4])]);
      expect(watch.isBehind).toBe(true);
      const text = formatComparisons(await watch.check());
      expect(watch.isBehind).toBe(false);
      return text;
    };
    expect(await checked([1, 2], [3, 4])).toBe('');
    expect(await checked([1, 2, 3], [3, 4])).toMatch(/after all operations\n[^]*nothing +\| main: port 0x5000: read 4/);
    expect(await checked([1], [3, 4])).toMatch(/^run 1[^]*! main: port 0x5000: read 4 +\| nothing/);
    expect(await checked([1, 2], [3, 5])).toMatch(/^run 2[^]*! rax 0x5/);
    expect(await checked([1, 2], [3])).toMatch(/^run 2[^]*! main \(2\): port 0x5000: read 4 +\| nothing/);
  });

  it('begins anew with the trace of a server that has the name of one before', async () => {
    let present = servers;
    const watch = new OracleWatch({
      guest: { environment: 'pvh', trace: async () => traceOf([1, 2]) },
      xenVersion: async () => '4.20',
      servers: () => present,
    });
    for (let turn = 0; turn < 2; turn++) {
      present = servers.map(({ name, ranges }) => ({ name, ranges: [...ranges] }));
      watch.note([twice], [resultsOf([1, 2])]);
      const comparisons = await watch.check();
      expect(comparisons.flatMap(({ rows }) => rows).filter(({ isSame }) => isSame)).toHaveLength(2);
    }
  });

  it('tells what this version makes otherwise than a newer one, if both agree on it', async () => {
    // Until 4.18 an access to both ELCR ports at once was the device model's (352c917acf).
    const elcr = program((program) => program.in(0x4d0, 2));
    const record = traceOf([0x1234]);
    new DataView(record.buffer).setBigUint64(16, 0x4d0n, true);
    new DataView(record.buffer).setUint32(44, 2, true);
    const ports: TraceServer[] = [{ name: 'main', ranges: [{ kind: 'port', start: 0x4d0n, end: 0x4d1n }] }];
    const checked = async (xen: string, trace: Uint8Array): Promise<unknown[]> => {
      const told: unknown[] = [];
      const watch = new OracleWatch({
        guest: { environment: 'hvm', trace: async () => trace },
        xenVersion: async () => xen,
        servers: () => ports,
        onKnown: (changes, difference) => told.push(changes, difference),
      });
      const [result] = resultsOf([0x1234]).results;
      watch.note([elcr], [{ ...resultsOf([]), results: result === undefined ? [] : [{ ...result, rdx: 0x4d0n }] }]);
      return [(await watch.check()).every(({ rows }) => rows.every(({ isSame }) => isSame)), ...told];
    };
    expect(await checked('4.17.5', record)).toEqual([
      ...[true, ['elcrOneHandler'], expect.stringMatching(/port 0x4d0: read 2/) as string],
    ]);
    expect(await checked('4.18.0', new Uint8Array())).toEqual([true]);
    // Neither the one nor the other.
    expect(await checked('4.17.5', new Uint8Array())).toEqual([false]);
    expect(await checked('4.18.0', record)).toEqual([false]);
  });

  it('counts the turns of a sample', async () => {
    const sampled = program((program) => program.sample({ warmup: 1, count: 2 }, (op) => op.in(0x5000, 4)));
    const [result] = resultsOf([0]).results;
    const seen = { ...resultsOf([]), results: [{ ...result, op: 'sample', samples: new Uint32Array(2) }] };
    const checked = async (values: number[]): Promise<boolean> => {
      const watch = makeWatch(() => traceOf(values));
      watch.note([sampled], [seen as ProgramResults]);
      return (await watch.check()).every(({ rows }) => rows.every(({ isSame }) => isSame));
    };
    expect([await checked([1, 2]), await checked([1, 2, 3]), await checked([1, 2, 3, 4])]).toEqual([
      false,
      true,
      false,
    ]);
  });
});
