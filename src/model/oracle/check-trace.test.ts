import { describe, expect, it } from 'vitest';
import { ioreqType } from '../../abi/ioreq.ts';
import type { TraceRecord } from '../../trace/record.ts';
import { checkTrace, type OracleStep, type SeenState, type TraceServer } from './check-trace.ts';
import { flag, makeCpu } from './cpu.ts';
import { formatComparisons } from './describe.ts';
import type { Platform } from './handlers.ts';
import type { Instruction } from './instruction.ts';
import { rulesOf } from './rules.ts';

const servers: readonly TraceServer[] = [
  {
    name: 'main',
    ranges: [
      { kind: 'port', start: 0x5000n, end: 0x5003n },
      { kind: 'pci', start: 0xe8n, end: 0xe8n },
    ],
  },
  { name: 'other', ranges: [{ kind: 'memory', start: 0x1000_0000n, end: 0x1000_0fffn }] },
];

function record(fields: Partial<TraceRecord>): TraceRecord {
  return {
    ...{ sequence: 0, vcpu: 0, type: ioreqType.pio, isRead: false, dataIsPointer: false, backwards: false },
    ...{ isBuffered: false, size: 4, count: 1, address: 0x5000n, data: 0n, answer: 0n, origin: 'handler' as const },
    ...{ takenAt: 0n, answeredAt: 0n, ...fields },
  };
}

const inRax: Instruction = { kind: 'in', size: 4, port: 0x5000 };
const outRax: Instruction = { kind: 'out', size: 4, port: 0x5000 };
const cpu = makeCpu({ rax: 7n });
const readOf = (rax: bigint): OracleStep => step(inRax, { gpr: { rax } });
const write = step(outRax, { gpr: { rax: 7n }, rflags: 2n });

function step(instruction: Instruction, seen?: SeenState, before = cpu): OracleStep {
  return { label: instruction.kind, kind: 'instruction', instruction, cpu: before, ...(seen ? { seen } : {}) };
}

function check(
  steps: readonly OracleStep[],
  main: readonly Partial<TraceRecord>[],
  { other = [], platform = 'pvh' }: { other?: readonly Partial<TraceRecord>[]; platform?: Platform } = {},
): string {
  const comparisons = checkTrace(
    { rules: rulesOf('4.20'), platform, isRam: (address) => address < 0x400_0000n },
    [{ label: 'run 1', servers, vcpus: [{ vcpu: 0, steps }] }],
    new Map([
      ['main', main.map(record)],
      ['other', other.map(record)],
    ]),
  );
  return formatComparisons(comparisons);
}

const readRecord = { isRead: true, answer: 0x99n };

describe('a trace', () => {
  it('that is what the program makes is right', () => {
    expect(check([readOf(0x99n), write], [readRecord, { data: 7n }])).toBe('');
  });

  it('with another value is shown beside what was expected', () => {
    const line = '  ! main: port 0x5000: write 4 = 0x7 | main: port 0x5000: write 4 = 0x8';
    expect(check([write], [{ data: 8n }]).split('\n')).toEqual(['run 1, vCPU 0: out', expect.any(String), line]);
  });

  it.each([
    ['type', { ...readRecord, type: ioreqType.copy }],
    ['direction', { data: 7n }],
    ['size', { ...readRecord, size: 2 }],
    ['count', { ...readRecord, count: 2 }],
    ['address', { ...readRecord, address: 0x5001n }],
    ['df', { ...readRecord, backwards: true }],
    ['data_is_ptr', { ...readRecord, dataIsPointer: true }],
    ['data of a read', { ...readRecord, data: 1n }],
  ])('with another %s is wrong', (_, seen) => {
    expect(check([readOf(0x99n)], [seen])).toMatch(/^run 1, vCPU 0: in\n.*\n {2}! main: port 0x5000: read 4/);
  });

  it('that ends too early is wrong, and so is one with more', () => {
    expect(check([readOf(0x99n), write], [readRecord])).toContain('! main: port 0x5000: write 4 = 0x7 | nothing');
    const more = check([readOf(0x99n)], [readRecord, { data: 3n }]);
    expect(more).toMatch(/vCPU 0: after all operations\n.*\n {2}! nothing +\| main: port 0x5000: write 4 = 0x3/);
  });

  it('of another server, or of another vCPU, does not count', () => {
    expect(check([readOf(0x99n)], [], { other: [readRecord] })).toContain('| nothing');
    expect(check([readOf(0x99n)], [{ ...readRecord, vcpu: 1 }])).toContain('| nothing');
  });

  it('that diverges is not compared any further, but what follows is shown', () => {
    const text = check([readOf(0x99n), write, write], [{ data: 7n }, { data: 7n }]);
    expect(text.match(/!/g)).toHaveLength(2);
  });

  it('may hold broadcasts', () => {
    expect(check([readOf(0x99n)], [{ type: ioreqType.invalidate, count: 0 }, readRecord])).toBe('');
  });
});

describe('a server', () => {
  const checkOn = (
    server: Omit<TraceServer, 'name'>,
    steps: readonly OracleStep[],
    records: readonly Partial<TraceRecord>[],
    platform: Platform = 'hvm',
  ): string =>
    formatComparisons(
      checkTrace(
        { rules: rulesOf('4.20'), platform, isRam: (address) => address < 0xa_0000n },
        [{ label: 'run 1', servers: [{ name: 'main', ...server }], vcpus: [{ vcpu: 0, steps }] }],
        new Map([['main', records.map(record)]]),
      ),
    );
  const vga = { kind: 'memory', start: 0xa_0000n, end: 0xa_0fffn } as const;
  const store = step({ kind: 'store', size: 4, address: 0xa_0000n, source: { register: 'rax' } });
  const stored = { type: ioreqType.copy, address: 0xa_0000n, data: 7n };
  const buffered = { ...stored, isBuffered: true };

  it('with a ring gets there what Xen buffers, all of it and nothing else', () => {
    const ring = { ranges: [vga] };
    expect(checkOn(ring, [store, store], [buffered, buffered])).toBe('');
    // When the ring is full.
    expect(checkOn(ring, [store, store], [buffered, stored])).toBe('');
    expect(checkOn(ring, [store, store], [buffered])).toContain('nothing');
    expect(checkOn(ring, [store], [buffered, buffered])).toContain('ring: after all operations');
    expect(checkOn(ring, [store], [{ ...buffered, data: 8n }])).toContain('0x8');
    const told = { ...buffered, type: ioreqType.timeOffset, size: 8 };
    expect(checkOn(ring, [], [told])).toBe('');
  });

  it('with BARs has ranges that only its guest knows', () => {
    const read = readOf(0x99n);
    expect(checkOn({ ranges: [], hasBars: true }, [read], [readRecord], 'pvh')).toBe('');
    expect(checkOn({ ranges: [], hasBars: true }, [read], [{ ...readRecord, size: 2 }], 'pvh')).not.toBe('');
    expect(checkOn({ ranges: [] }, [read], [readRecord], 'pvh')).toContain('nothing');
  });
});

describe('the guest', () => {
  it('has to see what the answers make of its registers', () => {
    expect(check([readOf(0x98n)], [readRecord])).toContain('! rax 0x99');
    const flags = step(outRax, { gpr: {}, rflags: flag.carry | 2n });
    expect(check([flags], [{ data: 7n }])).toContain('! rflags 0x0');
    const fault = step(outRax, { gpr: {}, fault: { vector: 13, errorCode: 0 } });
    expect(check([fault], [{ data: 7n }])).toContain('! comes to its end');
  });

  it('reads all ones where nobody is, and with a QEMU beside us what it likes', () => {
    const nobody = step({ kind: 'in', size: 2, port: 0x6000 }, { gpr: { rax: 0x1234n } }, makeCpu());
    expect(check([nobody], [])).toContain('! rax 0xffff');
    expect(check([nobody], [], { platform: 'hvm' })).toBe('');
  });

  it('has in its memory what it wrote; what a device model wrote there is not known', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const put: OracleStep = { label: 'write', kind: 'write', address: 0x2000ffcn, bytes };
    const get = (bytes: Uint8Array): OracleStep => ({ label: 'read', kind: 'read', address: 0x2000ffcn, bytes });
    expect(check([put, get(bytes)], [])).toBe('');
    expect(check([put, get(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 9))], [])).toContain('memory 0x2001003: 08');
    const ins = step(
      { kind: 'ins', size: 4, repeat: 'rep' },
      { gpr: { rcx: 0n, rdi: 0x2001008n } },
      makeCpu({ rcx: 2n, rdi: 0x2001000n, rdx: 0x5000n }),
    );
    const batch = { isRead: true, dataIsPointer: true, count: 2, data: 0x2001000n };
    expect(check([put, ins, get(Uint8Array.of(1, 2, 3, 4, 9, 9, 9, 9))], [batch])).toBe('');
    expect(check([put, ins, get(Uint8Array.of(1, 2, 3, 5, 9, 9, 9, 9))], [batch])).toContain('memory 0x2000fff');
  });

  it('writes values from memory that is not known: then any value is right', () => {
    const outs = step(
      { kind: 'outs', size: 4, repeat: 'none' },
      { gpr: { rsi: 0x2001004n } },
      makeCpu({ rsi: 0x2001000n, rdx: 0x5000n }),
    );
    expect(check([outs], [{ data: 0x55n }])).toBe('');
    const put: OracleStep = { label: 'write', kind: 'write', address: 0x2001000n, bytes: Uint8Array.of(1, 0, 0, 0) };
    expect(check([put, outs], [{ data: 0x55n }])).toContain('write 4 = 0x1');
  });
});

describe('an access', () => {
  const at = (server: string, start: bigint, end: bigint): TraceServer => ({
    name: server,
    ranges: [{ kind: 'port', start, end }],
  });
  const route = (servers: readonly TraceServer[], port: number, size: 1 | 2 | 4, seenBy: string): string =>
    formatComparisons(
      checkTrace(
        { rules: rulesOf('4.20'), platform: 'pvh', isRam: () => false },
        [{ label: 'run 1', servers, vcpus: [{ vcpu: 0, steps: [step({ kind: 'in', size, port })] }] }],
        new Map([[seenBy, [record({ isRead: true, size, address: BigInt(port) })]]]),
      ),
    );

  it('goes to the latest of the servers that own all of it', () => {
    const both = [at('a', 0x100n, 0x10fn), at('b', 0x108n, 0x10fn)];
    expect(route(both, 0x106, 2, 'a')).toBe('');
    expect(route(both, 0x108, 2, 'b')).toBe('');
    expect(route(both, 0x108, 2, 'a')).not.toBe('');
    // Half of it is the one's alone.
    expect(route(both, 0x107, 2, 'a')).toBe('');
  });

  it('may lie across two ranges that touch', () => {
    const one: TraceServer = {
      name: 'a',
      ranges: [...at('a', 0x104n, 0x107n).ranges, ...at('a', 0x100n, 0x103n).ranges],
    };
    expect(route([one], 0x102, 4, 'a')).toBe('');
    expect(route([one], 0x106, 4, 'a')).not.toBe('');
  });

  it('of 0xcfc is a configuration cycle when port 0xcf8 says so', () => {
    const pci: TraceServer = { name: 'p', ranges: [{ kind: 'pci', start: 0x18n, end: 0x18n }] };
    const steps = (address: bigint): OracleStep[] => [
      step({ kind: 'out', size: 4, port: 0xcf8 }, undefined, makeCpu({ rax: address })),
      step({ kind: 'in', size: 2, port: 0xcfe }),
    ];
    const cycle = (address: bigint, seen: Partial<TraceRecord>[]): string =>
      formatComparisons(
        checkTrace(
          { rules: rulesOf('4.20'), platform: 'pvh', isRam: () => false },
          [{ label: 'run 1', servers: [pci], vcpus: [{ vcpu: 0, steps: steps(address) }] }],
          new Map([['p', seen.map(record)]]),
        ),
      );
    const request = { type: ioreqType.pciConfig, isRead: true, size: 2, address: 0x18_0000_0012n };
    expect(cycle(0x8000_1810n, [request])).toBe('');
    expect(cycle(0x0000_1810n, [])).toBe('');
    expect(cycle(0x8000_1910n, [])).toBe('');
    expect(cycle(0x8000_1814n, [request])).not.toBe('');
  });
});

describe('a server that is disabled', () => {
  it('is asked nothing: another one that owns the port is', () => {
    const main = [{ ...servers[0], name: 'main', isEnabled: false } as TraceServer];
    const below = { name: 'below', ranges: main[0]?.ranges ?? [] };
    const compare = (answering: string): string =>
      formatComparisons(
        checkTrace(
          { rules: rulesOf('4.20'), platform: 'pvh', isRam: () => false },
          [{ label: 'run 1', servers: [below, ...main], vcpus: [{ vcpu: 0, steps: [readOf(0x99n)] }] }],
          new Map([[answering, [record(readRecord)]]]),
        ),
      );
    expect(compare('below')).toBe('');
    expect(compare('main')).toContain('| nothing');
  });
});

describe('a configuration cycle while the latch is not known', () => {
  const cycle = (address: bigint, fields: Partial<TraceRecord> = {}): string =>
    check(
      [step({ kind: 'in', size: 2, port: 0xcfe })],
      [{ type: ioreqType.pciConfig, isRead: true, size: 2, address, ...fields }],
    );

  it('goes where the trace says', () => {
    expect(cycle(0x00e8_0000_0042n)).toBe('');
  });

  it('is of the size and the byte of the access all the same', () => {
    expect(cycle(0x00e8_0000_0041n)).not.toBe('');
    // Nobody owns that one.
    expect(cycle(0x00f0_0000_0042n)).not.toBe('');
    expect(cycle(0x00e8_0000_0042n, { size: 1 })).not.toBe('');
    expect(cycle(0x00e8_0000_0042n, { type: ioreqType.pio })).not.toBe('');
  });
});

describe('a buffered write', () => {
  const store: Instruction = { kind: 'store', size: 4, address: 0xa_0000n, source: { register: 'rax' } };
  const video: readonly TraceServer[] = [
    { name: 'main', ranges: [{ kind: 'memory', start: 0xa_0000n, end: 0xa_0fffn }] },
  ];
  const entry = { type: ioreqType.copy, address: 0xa_0000n, data: 7n, isBuffered: true };
  const compare = (records: readonly Partial<TraceRecord>[]): string =>
    formatComparisons(
      checkTrace(
        { rules: rulesOf('4.20'), platform: 'hvm', isRam: (address) => address < 0xa_0000n },
        [{ label: 'run 1', servers: video, vcpus: [{ vcpu: 2, steps: [step(store)] }] }],
        new Map([['main', records.map(record)]]),
      ),
    );

  it('is in the ring, whichever vCPU made it, or in its slot when that was full', () => {
    expect(compare([entry])).toBe('');
    expect(compare([{ ...entry, isBuffered: false, vcpu: 2 }])).toBe('');
  });

  it('is lost, twice, or another one: that shows', () => {
    expect(compare([])).toContain('| nothing');
    expect(compare([entry, entry])).toContain('the ring: after all operations');
    expect(compare([{ ...entry, data: 8n }])).toContain('! main: ring:');
    expect(compare([{ ...entry, size: 2 }])).toContain('| nothing');
  });

  it('is no matter of the broadcasts beside it', () => {
    expect(compare([{ ...entry, type: ioreqType.timeOffset, size: 8 }, entry])).toBe('');
  });
});

describe('video memory while Xen may have a copy of it', () => {
  const video: readonly TraceServer[] = [
    { name: 'main', ranges: [{ kind: 'memory', start: 0xa_0000n, end: 0xa_0fffn }] },
  ];
  const compare = (steps: readonly OracleStep[], records: readonly Partial<TraceRecord>[]): string =>
    formatComparisons(
      checkTrace(
        { rules: rulesOf('4.14'), platform: 'hvm', isRam: (address) => address < 0xa_0000n },
        [{ label: 'run 1', servers: video, vcpus: [{ vcpu: 0, steps }] }],
        new Map([['main', records.map(record)]]),
      ),
    );
  const batch = { type: ioreqType.copy, address: 0xa_0000n, size: 2, count: 5, data: 7n };
  const fill = step({ kind: 'stos', size: 2, repeat: 'rep' }, undefined, makeCpu({ rax: 7n, rcx: 5n, rdi: 0xa_0000n }));
  const single = step({ kind: 'store', size: 2, address: 0xa_0000n, source: { register: 'rax' } });

  it('takes a batch of writes as one request, beside what is in the ring', () => {
    const entry = { ...batch, count: 1, isBuffered: true };
    expect(compare([fill, single], [batch, entry])).toBe('');
    expect(compare([fill, single], [entry])).not.toBe('');
  });

  it('may answer a batch of reads itself, or nothing of it', () => {
    const cpu = makeCpu({ rcx: 4n, rsi: 0xa_0000n, rdi: 0x1000n });
    const move = step({ kind: 'movs', size: 4, repeat: 'rep' }, undefined, cpu);
    const read = { type: ioreqType.copy, address: 0xa_0000n, isRead: true, dataIsPointer: true, data: 0x1000n };
    expect(compare([move], [])).toBe('');
    expect(compare([move], [{ ...read, count: 4 }])).toBe('');
    expect(compare([move], [{ ...read, count: 3 }])).not.toBe('');
  });
});
