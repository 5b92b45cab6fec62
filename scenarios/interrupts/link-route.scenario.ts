/**
 * # Background
 * Line p of a PCI device d is also one of four links, (d + p) & 3, which the chipset routes to an ISA interrupt, or to none
 * (hvm_set_pci_link_route in xen/arch/x86/hvm/irq.c). While a link is asserted a new route moves the interrupt along.
 *
 * # Method
 * One function's link is routed to interrupt 10, then, while its line is high, to 11, then to none; the interrupts follow
 * levels. Another one's link, routed to the same interrupt, shares it. The guest's handlers tell the vectors.
 *
 * # A broken Xen
 * would leave the old interrupt asserted, or not assert the new one until the line falls and rises.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { leavePic, picVector, takeLeftovers, usePic } from './controllers.ts';
import lines, { linesCommand } from './lines.device.ts';

const control = 0x5e20;
const { raise, lower, route } = linesCommand;
const none = { end: 'pic', timeoutCycles: 300_000 } as const;
const pic = { end: 'pic', acknowledge: control } as const;

scenario('the links of PCI lines', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  await guest.run(takeLeftovers);
  await deviceModel.attach(lines, { at: { first: '00:10.0', second: '00:12.0', control } });
  // INTB# of device 16, INTA# of device 18.
  const [one, other] = [(0x10 + 1) & 3, 0x12 & 3];
  const seen = await guest.run((program) => {
    usePic(program, [10, 11], [10, 11]);
    program.out(control, 4, route + one * 16 + 10);
    program.out(control, 4, raise).interrupts(pic).interrupts(none);
    // Moved while it is high: the one that was asked for falls away.
    program
      .out(control, 4, raise)
      .out(control, 4, route + one * 16 + 11)
      .interrupts(pic)
      .interrupts(none);
    // And to nobody.
    program
      .out(control, 4, raise)
      .interrupts({ end: 'pic' })
      .out(control, 4, route + one * 16)
      .interrupts(none);
    // High all the time: there it is again.
    program
      .out(control, 4, route + one * 16 + 10)
      .interrupts(pic)
      .interrupts(none);
    // Both on one.
    program
      .out(control, 4, route + other * 16 + 10)
      .out(control, 4, raise)
      .out(control, 4, raise + 1);
    program.interrupts({ ...pic, count: 2 }).interrupts(none);
    program
      .out(control, 4, raise + 1)
      .out(control, 4, lower + 1)
      .interrupts(none);
    return leavePic(program);
  });
  const came = seen.results.filter(({ op }) => op === 'interrupts').map(({ bytes }) => [...(bytes ?? [])]);
  const [ten, eleven] = [picVector(10), picVector(11)];
  expect(came).toEqual([[ten], [], [eleven], [], [eleven], [], [ten], [], [ten, ten], [], []]);
  await expect(seen).toMatchOracle();
});
