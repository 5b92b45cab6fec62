/**
 * # Background
 * A message goes straight to a local APIC, in a PVH guest as well: its data says the vector, its address the APIC
 * (inject_msi; hvm_inject_msi in xen/arch/x86/hvm/irq.c, vmsi_deliver). The same vector twice before it was taken comes once;
 * higher vectors come first.
 *
 * # Method
 * A device sends messages while interrupts are off, and while they are on; handlers tell the order. Another vCPU is given
 * some by an address of its own, from dom0 while it waits.
 *
 * # A broken Xen
 * would deliver to another vCPU, count one vector twice, or drop what came while the vCPU waited for its device model.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { enableApic, takeLeftovers } from './controllers.ts';
import lines, { linesCommand } from './lines.device.ts';

const control = 0x5e40;
const { message } = linesCommand;
const none = { timeoutCycles: 300_000 } as const;

scenario('messages', async ({ guest, deviceModel }) => {
  await guest.run(takeLeftovers);
  await deviceModel.attach(lines, { at: { first: '00:15.0', second: '00:16.0', control } });
  const seen = await guest.run((program) => {
    enableApic(program);
    program
      .out(control, 4, message + 0x51)
      .interrupts()
      .interrupts(none);
    for (const vector of [0x41, 0xe1, 0x91, 0x41, 0x92]) program.out(control, 4, message + vector);
    return program.interrupts({ count: 4 }).interrupts(none);
  });
  const came = (results: typeof seen.results): number[][] =>
    results.filter(({ op }) => op === 'interrupts').map(({ bytes }) => [...(bytes ?? [])]);
  expect(came(seen.results)).toEqual([[0x51], [], [0xe1, 0x92, 0x91, 0x41], []]);
  await expect(seen).toMatchOracle();

  // APIC ids are twice the vCPU's number. Each vCPU enables its own first.
  const other = guest.vcpus - 1;
  const idle = new ProgramBuilder().barrier().build();
  const waiting = enableApic(new ProgramBuilder()).barrier().interrupts({ count: 2 }).interrupts(none).build();
  await guest.runAll(Array.from({ length: guest.vcpus }, () => enableApic(new ProgramBuilder()).build()));
  const address = BigInt(0xfee0_0000 + 2 * other * 0x1000);
  await guest.dmOps([
    { op: 'injectMsi', args: [address, 0x61n] },
    { op: 'injectMsi', args: [address, 0x62n] },
  ]);
  const all = await guest.runAll(Array.from({ length: guest.vcpus }, (_, vcpu) => (vcpu === other ? waiting : idle)));
  expect(came(all[other]?.results ?? [])).toEqual([[0x62, 0x61], []]);
});
