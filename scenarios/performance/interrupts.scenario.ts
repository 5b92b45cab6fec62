/**
 * # Background
 * A device model injects an interrupt by XEN_DMOP_inject_msi while it handles an access: Xen sets the request bit in the
 * virtual local APIC (vlapic_set_irq in xen/arch/x86/hvm/vlapic.c) and delivers it when the vCPU runs on.
 *
 * # Method
 * The guest loads an interrupt descriptor table of the scenario's own, lets interrupts in, and writes to a port whose handler sends a
 * message; its interrupt handler stores the TSC. `interrupts.message.<who>`: from before the OUT to the first instructions of
 * that handler. `interrupts.none.<who>`: the OUT of a device that sends nothing, so that the difference is the interrupt.
 * `interrupts.self.xen`: the same from a write to the local APIC's command register that sends the vCPU an interrupt,
 * which is Xen's own.
 *
 * # Limits
 * As those of the ladder.
 */
import { expect, scenario, SCRATCH } from 'ioreqlab/scenario';
import { sampleCount, waitings, warmUp, timeServer } from './climb.ts';
import message from './message.device.ts';
import register from './register.device.ts';

const ports = { message: 0x5000, none: 0x5010 } as const;
const vector = 0x41;
const localApic = 0xfee0_0000;
/** Fixed, to itself: Intel's SDM, volume 3, "Interrupt Command Register". */
const toItself = 0x4_0000 | vector;
const codeSelector = 0x08;

const base = Number(SCRATCH.start);
const [table, handler, other, flag, pointer, saved] = [0, 0x1000, 0x1040, 0x1080, 0x10c0, 0x1100].map(
  (offset) => base + offset,
) as [number, number, number, number, number, number];

/** Stores the TSC at [RBX] and tells the local APIC. */
const handlerCode = Uint8Array.from([
  ...[0x50, 0x52], // push rax; push rdx
  ...[0x0f, 0x31], // rdtsc
  ...[0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0], // shl rdx, 32; or rax, rdx
  ...[0x48, 0x89, 0x03], // mov [rbx], rax
  ...[0xb8, 0xb0, 0x00, 0xe0, 0xfe, 0xc7, 0x00, 0, 0, 0, 0], // mov eax, 0xfee000b0; mov dword [rax], 0
  ...[0x5a, 0x58, 0x48, 0xcf], // pop rdx; pop rax; iretq
]);

/** RAX is what the handler's stamp is after the first; RDI, RSI: where the table that was is kept, and the new one. */
const exchange = (cause: readonly number[]): Uint8Array =>
  Uint8Array.from([
    ...[0x0f, 0x01, 0x0f, 0x0f, 0x01, 0x1e, 0xfb], // sidt [rdi]; lidt [rsi]; sti
    ...[0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0], // rdtsc; shl rdx, 32; or rax, rdx
    ...[0x49, 0x89, 0xc0], // mov r8, rax
    ...[0x4c, 0x89, 0xca, 0x4c, 0x89, 0xd8], // mov rdx, r9; mov rax, r11
    ...cause,
    ...[0x48, 0x83, 0x3b, 0x00, 0x75, 0x04, 0xf3, 0x90, 0xeb, 0xf6], // 1: cmp qword [rbx], 0; jne 2f; pause; jmp 1b
    ...[0xfa, 0x0f, 0x01, 0x1f], // 2: cli; lidt [rdi]
    ...[0x48, 0x8b, 0x03, 0x4c, 0x29, 0xc0], // mov rax, [rbx]; sub rax, r8
    ...[0x48, 0xc7, 0x03, 0, 0, 0, 0], // mov qword [rbx], 0
  ]);
const outDx = [0xef]; // out dx, eax
const storeRdx = [0x89, 0x02]; // mov [rdx], eax

/** A 64-bit interrupt gate: Intel's SDM, volume 3, "64-Bit Mode IDT". */
function gate(address: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16));
  bytes.setUint16(0, address & 0xffff, true);
  bytes.setUint16(2, codeSelector, true);
  bytes.setUint16(4, 0x8e00, true);
  bytes.setUint16(6, address >>> 16, true);
  return new Uint8Array(bytes.buffer);
}

function descriptorTable(): Uint8Array {
  const bytes = new Uint8Array(4096);
  for (let i = 0; i < 256; i++) bytes.set(gate(i === vector ? handler : other), 16 * i);
  return bytes;
}

function tablePointer(): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(10));
  bytes.setUint16(0, 4095, true);
  bytes.setUint32(2, table, true);
  return new Uint8Array(bytes.buffer);
}

scenario(
  "an interrupt on its way to the guest's handler",
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
    await guest.run((program) =>
      program
        .write(table, descriptorTable())
        .write(handler, handlerCode)
        .write(other, Uint8Array.of(0x48, 0xcf))
        .write(pointer, tablePointer())
        .fill(flag, 8, 0)
        .store(localApic + 0xf0, 4, 0x1ff) // its spurious-interrupt register: enabled
        .store(localApic + 0x80, 4, 0),
    );
    /** Samples of a cause, in programs of as many as a window holds. */
    const time = async (metric: string, cause: readonly number[], rdx: number, rax: number): Promise<void> => {
      const registers = { rdi: saved, rsi: pointer, rbx: flag, r9: rdx, r11: rax };
      const samples: number[] = [];
      for (let turn = 0; samples.length < Math.min(sampleCount[host.timing], 400); turn++) {
        const { results } = await guest.run((program) => {
          for (let i = 0; i < 210; i++) program.raw(exchange(cause), { registers });
          return program;
        });
        expect(results.every(({ fault }) => fault === undefined)).toBe(true);
        if (turn === 0) expect(results.every(({ rax: taken }) => taken < 1n << 32n)).toBe(true);
        samples.push(...results.slice(10).map(({ rax: taken }) => Number(taken)));
      }
      await record(metric, Float64Array.from(samples));
    };

    await time('interrupts.self.xen', storeRdx, localApic + 0x300, toItself);
    await deviceModel.attach(register, { server: 'none', at: { register: ports.none } });
    await warmUp(fixtures, 'none', [(op) => op.out(ports.none, 4, vector)]);
    await timeServer(fixtures, {
      ...{ topic: 'interrupts', rung: 'ts', server: 'none' },
      accesses: { none: (op) => op.out(ports.none, 4, vector) },
    });
    await deviceModel.closeServer('none');

    await deviceModel.attach(message, { server: 'message', at: { data: ports.message } });
    await warmUp(fixtures, 'message', [(op) => op.out(ports.message, 4, vector)]);
    // With interrupts off the messages were one that is pending: it is taken without a cause of its own.
    const registers = { rdi: saved, rsi: pointer, rbx: flag };
    await guest.run((program) => program.raw(exchange([]), { registers }));
    for (const [way, waiting] of Object.entries(waitings(host.timing)).filter(([name]) => name !== '-adaptive')) {
      await deviceModel.setWaiting(waiting, 'message');
      await time(`interrupts.message.ts${way}`, outDx, ports.message, vector);
    }
  },
);
