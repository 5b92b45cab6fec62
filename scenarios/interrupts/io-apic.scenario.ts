/**
 * # Background
 * What is raised for the 8259s is raised for the I/O APIC as well: ISA interrupt n is its input n, but 0, which is 2
 * (hvm_isa_irq_to_gsi). The guest chooses vector and trigger for each input; a masked one is delivered when it is unmasked
 * only if it follows the level (vioapic_deliver, vioapic_write_redirent).
 *
 * # Method
 * ISA interrupts 4 and 11 by edges, a PCI line by its level; masked, unmasked, with another vector; priorities when several
 * come at once.
 *
 * # A broken Xen
 * would give the vector of before, deliver what is masked, or forget a level that came while it was.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { enableApic, pinOf, setPin, takeLeftovers } from './controllers.ts';
import lines, { linesCommand } from './lines.device.ts';

const control = 0x5e30;
const { raise, lower } = linesCommand;
const none = { timeoutCycles: 300_000 } as const;
const handled = { acknowledge: control } as const;

scenario('inputs of the I/O APIC', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(lines, { at: { first: '00:13.0', second: '00:14.0', control }, options: { isa: [4, 11] } });
  const [irq4, irq11] = [2, 3];
  await guest.run(takeLeftovers);
  const pin = pinOf(0x14);
  const seen = await guest.run((program) => {
    enableApic(program);
    setPin(program, 4, { vector: 0x44, trigger: 'edge' });
    setPin(program, 11, { vector: 0x9b, trigger: 'edge' });
    program.out(control, 4, raise + irq4).interrupts(handled);
    // By vector, not by number.
    program
      .out(control, 4, raise + irq4)
      .out(control, 4, raise + irq11)
      .interrupts({ ...handled, count: 2 });
    // Another vector for the next edge.
    setPin(program, 4, { vector: 0xb4, trigger: 'edge' });
    program
      .out(control, 4, raise + irq4)
      .out(control, 4, raise + irq11)
      .interrupts({ ...handled, count: 2 });
    // An edge while it is masked is lost, a level is not.
    setPin(program, 4, undefined);
    program
      .out(control, 4, raise + irq4)
      .interrupts(none)
      .out(control, 4, lower + irq4);
    setPin(program, pin, undefined);
    program.out(control, 4, raise + 1).interrupts(none);
    setPin(program, pin, { vector: 0x77, trigger: 'level' });
    program.interrupts(handled).interrupts(none);
    setPin(program, pin, undefined);
    return setPin(program, 11, undefined);
  });
  const came = seen.results.filter(({ op }) => op === 'interrupts').map(({ bytes }) => [...(bytes ?? [])]);
  expect(came).toEqual([[0x44], [0x9b, 0x44], [0xb4, 0x9b], [], [], [0x77], []]);
  await expect(seen).toMatchOracle();
});
