import { defineDevice, pciFunction, port } from 'ioreqlab/device';

/** What is written to the port `control` of the device `lines`: a command, and a number in its lowest byte. */
export const linesCommand = {
  /** Of a handler: a vector, 32 to 255. Lowers the lowest line that is raised. */
  acknowledge: 0x000,
  raise: 0x100,
  lower: 0x200,
  /** Sends a message with that vector to the vCPU of APIC id 0. */
  message: 0x300,
  /** Link times 16 plus ISA interrupt, 0 for none. */
  route: 0x400,
} as const;

/**
 * Two PCI functions, the first with INTB#, the second with INTA#, which are lines 0 and 1, and a line for each ISA interrupt of the options from 2 on. Reads of
 * `control` give the lines that are raised, a bit each.
 */
export default defineDevice({
  name: 'lines',
  regions: {
    first: pciFunction({ vendor: 0x1b36, device: 0x0005, class: 0xff0000, interruptPin: 'B' }),
    second: pciFunction({ vendor: 0x1b36, device: 0x0005, class: 0xff0000, interruptPin: 'A' }),
    control: port({ size: 4, widths: [4] }),
  },
  create({ isa = [] }: { readonly isa?: readonly number[] }, { interrupts }) {
    const lines = [interrupts.intx('first'), interrupts.intx('second'), ...isa.map((irq) => interrupts.isa(irq))];
    return {
      first: { bars: {} },
      second: { bars: {} },
      control: {
        read: () => lines.reduce((levels, line, i) => levels | (line.level ? 1 << i : 0), 0),
        write: (_offset, _size, value) => {
          const argument = value & 0xff;
          const line = lines[argument];
          if ((value & ~0xff) === linesCommand.acknowledge) lines.find(({ level }) => level)?.set(false);
          else if ((value & ~0xff) === linesCommand.raise) line?.set(true);
          else if ((value & ~0xff) === linesCommand.lower) line?.set(false);
          else if ((value & ~0xff) === linesCommand.message) interrupts.sendMsi(0xfee0_0000, argument);
          else if ((value & ~0xff) === linesCommand.route && interrupts.hasIsa)
            interrupts.setPciLinkRoute((argument >> 4) & 3, argument & 15);
        },
      },
    };
  },
});
