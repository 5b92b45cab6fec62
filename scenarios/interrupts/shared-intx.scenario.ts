/**
 * # Background
 * Lines of PCI functions are levels, and several may share an input of the I/O APIC: line p of device d is input
 * 16 + ((4d + d/8 + p) & 31) (hvm_pci_intx_gsi). Xen counts who asserts it; as long as one does, the interrupt comes again
 * when the guest says that it is done with it (hvm_pci_intx_assert in xen/arch/x86/hvm/irq.c, vioapic_update_EOI).
 *
 * # Method
 * INTB# of device 17 and INTA# of device 25 are one input. Handlers lower one line at a time: with both asserted the vector
 * comes twice, with one once, and with nobody who lowers it as often as it is let.
 *
 * # A broken Xen
 * would lower the input when the first of the two is lowered, leave it high when both are, or take a level for an edge.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { enableApic, pinOf, setPin, takeLeftovers } from './controllers.ts';
import lines, { linesCommand } from './lines.device.ts';

const control = 0x5e10;
const { raise, lower } = linesCommand;
const none = { timeoutCycles: 300_000 } as const;
const vector = 0x71;

scenario('two functions on one line', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  await guest.run(takeLeftovers);
  await deviceModel.attach(lines, { at: { first: '00:11.0', second: '00:19.0', control } });
  const pin = pinOf(0x11, 1);
  expect(pinOf(0x19)).toBe(pin);
  const handled = { acknowledge: control } as const;
  const seen = await guest.run((program) => {
    setPin(enableApic(program), pin, { vector, trigger: 'level' });
    for (const line of [0, 1])
      program
        .out(control, 4, raise + line)
        .interrupts(handled)
        .interrupts(none);
    program.out(control, 4, raise).out(control, 4, raise + 1);
    program
      .interrupts({ ...handled, count: 2 })
      .in(control, 4)
      .interrupts(none);
    // The other way round: the one that was raised last is lowered first.
    program
      .out(control, 4, raise + 1)
      .out(control, 4, raise)
      .out(control, 4, lower);
    program.interrupts(handled).interrupts(none);
    // Nobody lowers it.
    program
      .out(control, 4, raise)
      .interrupts({ count: 3 })
      .out(control, 4, lower)
      .interrupts({ count: 4, ...none });
    return setPin(program, pin, undefined);
  });
  const came = seen.results.filter(({ op }) => op === 'interrupts').map(({ bytes }) => [...(bytes ?? [])]);
  // What came while the line was still high may have been asked for once more.
  expect(came.slice(0, 9)).toEqual([
    ...[[vector], [], [vector], []],
    ...[[vector, vector], [], [vector], []],
    ...[[vector, vector, vector]],
  ]);
  expect(came[9]?.length).toBeLessThanOrEqual(1);
  expect(seen.results.find(({ op }) => op === 'in')?.value).toBe(0);
  await expect(seen).toMatchOracle();
});
