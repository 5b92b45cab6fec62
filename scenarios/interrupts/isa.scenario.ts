/**
 * # Background
 * An ISA line that a device model raises goes to Xen's virtual 8259s: an edge asks for the interrupt, which vCPU 0 gets by
 * the vector that the guest has given it, the slave's by way of the master's input 2 (hvm_isa_irq_assert in
 * xen/arch/x86/hvm/irq.c, vpic.c).
 *
 * # Method
 * Lines of the master and of the slave are raised; the guest's handlers tell their vectors, and lower the line. Two at once come
 * by priority; a line that stays high comes once; one that is masked comes when it is unmasked.
 *
 * # A broken Xen
 * would give another vector, lose the slave's, or take a level for an edge.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { leavePic, picVector, takeLeftovers, usePic } from './controllers.ts';
import lines, { linesCommand } from './lines.device.ts';

const control = 0x5e00;
const { raise, lower } = linesCommand;
const none = { timeoutCycles: 300_000 } as const;

scenario('ISA interrupts, as handlers see them', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  await guest.run(takeLeftovers);
  // Lines 2 to 4: two of the master's, one of the slave's.
  await deviceModel.attach(lines, {
    at: { first: '00:10.0', second: '00:11.0', control },
    options: { isa: [5, 3, 10] },
  });
  const [irq5, irq3, irq10] = [2, 3, 4];
  const pic = { end: 'pic', acknowledge: control } as const;
  const seen = await guest.run((program) => {
    usePic(program, [3, 5, 10]);
    program
      .out(control, 4, raise + irq5)
      .interrupts(pic)
      .in(control, 4);
    program
      .out(control, 4, raise + irq10)
      .interrupts(pic)
      .in(control, 4);
    // All of them: 10 comes by input 2 of the master, before 3 and 5.
    for (const line of [irq5, irq3, irq10]) program.out(control, 4, raise + line);
    program.interrupts({ end: 'pic', count: 3 }).interrupts({ end: 'pic', ...none });
    for (const line of [irq5, irq3, irq10]) program.out(control, 4, lower + line);
    // An edge, though it stays.
    program
      .out(control, 4, raise + irq3)
      .interrupts({ end: 'pic' })
      .interrupts({ end: 'pic', ...none });
    program
      .out(control, 4, lower + irq3)
      .out(control, 4, raise + irq3)
      .interrupts({ end: 'pic' });
    program.out(control, 4, lower + irq3);
    // Masked meanwhile.
    program
      .out(0x21, 1, 0xff)
      .out(control, 4, raise + irq5)
      .interrupts({ end: 'pic', ...none });
    program.out(0x21, 1, 0xdb).interrupts(pic);
    return leavePic(program);
  });
  const came = seen.results.filter(({ op }) => op === 'interrupts').map(({ bytes }) => [...(bytes ?? [])]);
  expect(came).toEqual([
    [picVector(5)],
    [picVector(10)],
    [picVector(10), picVector(3), picVector(5)],
    [],
    [picVector(3)],
    [],
    [picVector(3)],
    [],
    [picVector(5)],
  ]);
  expect(seen.results.filter(({ op }) => op === 'in').map(({ value }) => value)).toEqual([0, 0]);
  await expect(seen).toMatchOracle();
});
