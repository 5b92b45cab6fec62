import { describe, expect, it } from 'vitest';
import { defineDevice, memory, port, type Device } from '../../device/index.ts';
import { ControlServer } from '../../server/control-server.ts';
import type { ServerTrouble } from '../../server/server-host.ts';
import { testDevices } from '../../server/testing/devices.ts';
import { readTrace } from '../../trace/record.ts';
import { makeCpu } from '../oracle/index.ts';
import { InProcess } from './in-process.ts';
import { LocalServers } from './local-servers.ts';

const devices = new Map<string, Device>(testDevices.map((device) => [device.name, device]));

function make(
  environment: 'hvm' | 'pvh' = 'pvh',
  vcpus = 1,
): { guest: InProcess; servers: LocalServers; troubles: ServerTrouble[] } {
  const troubles: ServerTrouble[] = [];
  const guest = new InProcess({
    ...({ xen: '4.20', environment, vcpus, memoryMiB: 16 } as const),
    deviceNamed: (name) => {
      const device = devices.get(name);
      if (device === undefined) throw new Error(`no ${name}`);
      return device;
    },
  });
  return { guest, servers: new LocalServers(guest, (_server, trouble) => troubles.push(trouble)), troubles };
}

function portIn(guest: InProcess, address: number, size: 1 | 2 | 4, vcpu = 0): bigint {
  const cpu = makeCpu();
  expect(guest.execute(vcpu, cpu, { kind: 'in', size, port: address })).toEqual({ kind: 'done' });
  return cpu.gpr.rax;
}

function portOut(guest: InProcess, address: number, size: 1 | 2 | 4, value: bigint, vcpu = 0): void {
  const cpu = makeCpu({ rax: value });
  expect(guest.execute(vcpu, cpu, { kind: 'out', size, port: address })).toEqual({ kind: 'done' });
}

describe('a guest and its device models in one thread', () => {
  it('lets a server answer with one value, wherever it is given a range', async () => {
    const { guest, servers } = make();
    await using _end = servers;
    const host = servers.create('main');
    host.attachConstant(0x1234_5678);
    const id = guest.addon.serversOf(guest.domid).at(-1) ?? -1;
    guest.addon.dmOp('mapIoRange', [id, 0, 0x5000, 0x5007]);
    expect(portIn(guest, 0x5004, 4)).toBe(0x1234_5678n);
    expect(portIn(guest, 0x5007, 1)).toBe(0x78n);
    guest.addon.dmOp('unmapIoRange', [id, 0, 0x5004, 0x5007]);
    expect(portIn(guest, 0x5004, 4)).toBe(0xffff_ffffn);
    expect(() => guest.addon.dmOp('unmapIoRange', [id, 0, 0x5004, 0x5007])).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
    expect(() => guest.addon.dmOp('relocateMemory', [1, 0, 1])).toThrow(
      expect.objectContaining({ code: 'NOT_ON_MODEL' }),
    );
    expect(readTrace((await servers.close('main')).trace)).toHaveLength(2);
  });

  it('answers accesses through the library, and keeps a trace', async () => {
    const { guest, servers } = make('pvh', 2);
    await using _end = servers;
    await servers.create('main').attach('register', { initial: 0x11223344 }, { value: 0x5000 });
    expect(portIn(guest, 0x5000, 4)).toBe(0x11223344n);
    portOut(guest, 0x5000, 4, 0xdeadbeefn, 1);
    expect(portIn(guest, 0x5001, 1)).toBe(0xben);
    expect(portIn(guest, 0x5002, 4)).toBe(0xffff_ffffn);

    const { xenId, trace, counters } = await servers.close('main');
    expect(xenId).toBe(0);
    expect(counters).toMatchObject({ unclaimed: 0, badWidth: 0, misaligned: 0, malformed: 0, undecoded: 0 });
    const seen = readTrace(trace);
    expect(seen).toMatchObject([
      { sequence: 0, vcpu: 0, type: 0, isRead: true, size: 4, count: 1, address: 0x5000n, answer: 0x11223344n },
      { sequence: 1, vcpu: 1, isRead: false, data: 0xdeadbeefn, answer: 0xdeadbeefn, origin: 'handler' },
      { sequence: 2, vcpu: 0, isRead: true, size: 1, address: 0x5001n },
    ]);
    for (const { takenAt, answeredAt } of seen) expect(answeredAt).toBeGreaterThanOrEqual(takenAt);
    // The server is gone: nobody answers any more.
    expect(portIn(guest, 0x5000, 4)).toBe(0xffff_ffffn);
  });

  it('gives devices the guest memory, and takes every mapping back', async () => {
    const { guest, servers } = make();
    await using _end = servers;
    await servers.create('main').attach('adder', {}, { command: 0x5000, registers: 0x1000_0000 });
    guest.memory.writeBytes(0x3ffe, Uint8Array.of(0xff, 0xff, 0, 0));
    portOut(guest, 0x5000, 4, 0x3ffen);
    expect(guest.memory.readBytes(0x3ffe, 4)).toEqual(Uint8Array.of(0, 0, 1, 0));
    const cpu = makeCpu();
    guest.execute(0, cpu, { kind: 'load', size: 4, address: 0x1000_0008n, register: 'rax' });
    expect(cpu.gpr.rax).toBe(8n);
    await servers.close('main');
    guest.memory.drop();
    expect(guest.addon.mappedFrames).toBe(0);
  });

  it('has QEMU before it in HVM guests', async () => {
    const { servers } = make('hvm');
    await using _end = servers;
    expect(servers.create('a').xenId).toBe(1);
    expect(servers.create('b').xenId).toBe(2);
    await servers.close('a');
    expect(servers.create('c').xenId).toBe(1);
  });

  it('has room for eight servers, and says what Xen says', async () => {
    const { servers } = make();
    await using _end = servers;
    for (let i = 0; i < 8; i++) servers.create(`s${i}`);
    expect(() => servers.create('ninth')).toThrow(expect.objectContaining({ code: 'ENOSPC', errno: 28 }) as Error);
  });

  it('names the call of libxen that Xen refused', async () => {
    const { guest, servers } = make();
    await using _end = servers;
    const server = servers.create('main');
    const range = (): void => guest.addon.mapRange(0, false, 0x5000, 0x5003);
    range();
    expect(server.xenId).toBe(0);
    expect(range).toThrow(
      expect.objectContaining({
        code: 'EEXIST',
        errno: 17,
        call: 'xendevicemodel_map_io_range_to_ioreq_server',
        message: 'xendevicemodel_map_io_range_to_ioreq_server: file already exists (EEXIST)',
      }) as Error,
    );
  });

  it('answers with all ones for a handler that throws, and tells of it once', async () => {
    const { guest, servers, troubles } = make();
    await using _end = servers;
    await servers.create('main').attach('broken', {}, { trigger: 0x5000 });
    expect(portIn(guest, 0x5000, 2)).toBe(0xffffn);
    expect(portIn(guest, 0x5000, 2)).toBe(0xffffn);
    expect(troubles).toMatchObject([{ kind: 'threw', region: 'broken.trigger' }]);
  });

  it('says so when a vCPU would wait for ever', async () => {
    const { guest, servers } = make();
    await using _end = servers;
    servers.create('main');
    guest.addon.mapRange(0, false, 0x5000, 0x5003);
    expect(() => portIn(guest, 0x5000, 4)).toThrow(expect.objectContaining({ code: 'VCPU_BLOCKED' }) as Error);
    // Its end answers what is open, as in dom0.
    const { trace } = await servers.close('main');
    expect(readTrace(trace)).toMatchObject([{ origin: 'closing', answer: 0xffff_ffff_ffff_ffffn }]);
  });

  it('does not let a handler be the guest', async () => {
    const inward = defineDevice({
      name: 'inward',
      regions: { gate: port({ size: 1 }) },
      create: () => ({ gate: { read: () => Number(portIn(guest, 0x6000, 1)) } }),
    });
    devices.set('inward', inward);
    const { guest, servers, troubles } = make();
    await using _end = servers;
    await servers.create('main').attach('inward', {}, { gate: 0x5000 });
    expect(portIn(guest, 0x5000, 1)).toBe(0xffn);
    expect(troubles[0]?.message).toContain('it is the guest who waits for the handler');
  });

  it('has a control server as dom0 has', () => {
    const { guest } = make('pvh', 2);
    using control = new ControlServer(guest.addon, 0xe500);
    guest.ask(1, 0xe500);
    expect(guest.answerOf(1)).toBeUndefined();
    control.start([0, 1]);
    expect(guest.answerOf(1)).toBe(1);
  });

  it('lets a REP reach the device in one request, also where the guest has no memory', async () => {
    const values: number[] = [];
    const sink = defineDevice({
      name: 'sink',
      regions: { window: memory({ size: 4096 }) },
      create: () => ({ window: { write: (_offset, _size, value) => void values.push(value), read: () => 7 } }),
    });
    devices.set('sink', sink);
    const { guest, servers } = make();
    await using _end = servers;
    await servers.create('main').attach('sink', {}, { window: 0x1000_0000 });
    guest.memory.writeBytes(0x2000, Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0));
    const cpu = makeCpu({ rsi: 0x2000n, rdi: 0x1000_0000n, rcx: 3n });
    guest.execute(0, cpu, { kind: 'movs', size: 4, repeat: 'rep' });
    expect(values).toEqual([1, 2, 3]);
    expect(cpu.gpr).toMatchObject({ rcx: 0n, rsi: 0x200cn, rdi: 0x1000_000cn });
    expect(readTrace(servers.named('main').readTrace())).toMatchObject([
      { count: 3, dataIsPointer: true, data: 0x2000n },
    ]);
    // Nobody's ports: Xen's null handler fills memory with ones.
    const ins = makeCpu({ rdi: 0x3000n, rcx: 2n, rdx: 0x7000n });
    guest.execute(0, ins, { kind: 'ins', size: 2, repeat: 'rep' });
    expect(guest.memory.readBytes(0x3000, 6)).toEqual(Uint8Array.of(255, 255, 255, 255, 0, 0));
  });
});
