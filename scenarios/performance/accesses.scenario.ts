/**
 * # Background
 * What an access costs by its kind: IN and OUT (a port write needs no second emulation on completion:
 * handle_hvm_io_completion in xen/arch/x86/hvm/io.c), loads and stores, each of every width, and moves of 16 bytes, of
 * which Xen makes two requests (hvmemul_do_mmio_buffer splits what is longer than 8 bytes).
 *
 * # Method
 * The same accesses answered in TypeScript (`ts`), in C (`c`), blocking and spinning, by nobody (`unclaimed`), by Xen
 * itself (`xen`: port 0x61, the debug console that is given a character which it does not print, the local APIC; `hpet`)
 * and by QEMU (`qemu`: ports of its keyboard and DMA controllers). The metric is `accesses.<kind><bytes>.<who>`.
 *
 * # Limits
 * As those of the ladder. Moves of 16 bytes have time stamps a little farther from the instruction than the others.
 */
import { expect, HOLE_BELOW_4G, scenario, type ProgramBuilder } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import scratch from '../port-io/scratch.device.ts';
import {
  fewRequests,
  sampleCount,
  timeAccesses,
  timeOperations,
  timeServer,
  waitings,
  warmUp,
  type Access,
} from './climb.ts';

const memory = Number(HOLE_BELOW_4G.start);
const port = 0x5000;
const unclaimed = { port: 0x5555, memory: memory + 0x10_0000 } as const;
const localApic = 0xfee0_0000;
const hpet = 0xfed0_0000;

/** Every kind of access to a port and to memory. */
const accessesTo = (at: { readonly port: number; readonly memory: number }): Record<string, Access> => ({
  ...Object.fromEntries(
    ([1, 2, 4] as const).flatMap((size): [string, Access][] => [
      [`in${size}`, (op) => op.in(at.port, size)],
      [`out${size}`, (op) => op.out(at.port, size, 0x5a)],
    ]),
  ),
  ...Object.fromEntries(
    ([1, 2, 4, 8] as const).flatMap((size): [string, Access][] => [
      [`load${size}`, (op) => op.load(at.memory, size)],
      [`store${size}`, (op) => op.store(at.memory, size, 0x5a)],
    ]),
  ),
});

/** MOVUPS, by the metric's name. */
const vectorMoves = (rung: string, at: number): Record<string, (program: ProgramBuilder) => ProgramBuilder> => ({
  [`accesses.load16.${rung}`]: (p) => p.raw(Uint8Array.of(0x0f, 0x10, 0x06), { registers: { rsi: at } }),
  [`accesses.store16.${rung}`]: (p) => p.raw(Uint8Array.of(0x0f, 0x11, 0x07), { registers: { rdi: at } }),
});

scenario(
  'what each kind of access costs',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    const fixtures = { host, guest, deviceModel, record };
    const topic = 'accesses';
    const accesses = accessesTo({ port, memory });
    const widest = Object.fromEntries(Object.entries(accesses).filter(([name]) => /^(in|out)[14]$|[48]$/.test(name)));
    const moves = Math.min(sampleCount[host.timing], 200);
    for (const server of ['ts', 'c'] as const) {
      if (server === 'ts') {
        await deviceModel.attach(scratch, { server, at: { register: port } });
        await deviceModel.attach(window, { server, at: { page: memory } });
      } else {
        await deviceModel.attachReference({ server, ports: [port], addresses: [0, 4, 8, 12].map((at) => memory + at) });
      }
      await warmUp(fixtures, server, Object.values(accesses), server === 'ts' ? undefined : fewRequests);
      // What is between widths shows while nobody sleeps.
      await timeServer(fixtures, { topic, rung: server, ways: [''], accesses: widest });
      await timeServer(fixtures, { topic, rung: server, ways: ['-spin'], accesses });
      await timeOperations(fixtures, moves, vectorMoves(`${server}-spin`, memory));
      await deviceModel.setWaiting(waitings(host.timing)[''], server);
      await timeOperations(fixtures, moves, vectorMoves(server, memory));
      const { counters } = await deviceModel.closeServer(server);
      if (server === 'ts') expect(counters).toMatchObject({ unclaimed: 0, badWidth: 0, misaligned: 0, malformed: 0 });
    }
    await timeAccesses(fixtures, { topic, rung: 'unclaimed', accesses: accessesTo(unclaimed), isQuick: true });
    await timeAccesses(fixtures, {
      ...{ topic, rung: 'xen', isQuick: true },
      accesses: {
        in1: (op) => op.in(0x61, 1),
        out1: (op) => op.out(0xe9, 1, 0), // hvm_print_line in xen/arch/x86/hvm/hvm.c ignores what is not printed
        load4: (op) => op.load(localApic + 0x30, 4), // its version
        store4: (op) => op.store(localApic + 0x80, 4, 0), // the task priority
      },
    });
    await timeAccesses(fixtures, { topic, rung: 'hpet', accesses: { load4: (op) => op.load(hpet, 4) }, isQuick: true });
    await timeAccesses(fixtures, {
      ...{ topic, rung: 'qemu' },
      accesses: { in1: (op) => op.in(0x64, 1), out1: (op) => op.out(0x00, 1, 0) },
    });
  },
);
