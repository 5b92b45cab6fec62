/**
 * # Background
 * A 16550 has eight registers of a byte, most of which mean something else when they are read, written, or selected by
 * the divisor latch bit: each access has to arrive once, in order, with its direction and its port. Its interrupt goes to
 * the guest through XEN_DMOP_set_isa_irq_level (hvm_isa_irq_assert in xen/arch/x86/hvm/irq.c).
 *
 * # Method
 * The guest finds the UART by its scratch and divisor registers, sends a text, reads one that waits for it, and tests the
 * loopback. In an HVM guest the interrupt shows as the request bit of the virtual 8259 (OCW3, then a read of port 0x20),
 * before and after the cause is gone.
 *
 * # A broken Xen
 * would lose, repeat or reorder accesses, or keep an interrupt line where it was.
 */
import { expect, scenario } from 'ioreqlab/scenario';

const base = 0x3e8;
const irq = 4;
const text = 'Hello, dom0';

scenario('a 16550 sends, receives, loops back and interrupts', async ({ guest, deviceModel, params }) => {
  const hasIrq = params['environment'] === 'hvm';
  const options = { input: '-xen', ...(hasIrq && { irq }) };
  const uart = await deviceModel.attach('uart16550', { at: { registers: base }, options });
  const found = await guest.run((program) =>
    program
      .out(base + 7, 1, 0x5a)
      .in(base + 7, 1)
      .out(base + 3, 1, 0x83)
      .out(base, 1, 0x0c)
      .out(base + 1, 1, 0x01)
      .in(base, 1)
      .in(base + 1, 1)
      .out(base + 3, 1, 0x03)
      .in(base + 1, 1)
      // Turning the FIFOs on empties them: the byte that was received is gone.
      .out(base + 2, 1, 0x07)
      .in(base + 2, 1)
      .in(base + 5, 1)
      // Wider accesses are not the UART's.
      .in(base, 2),
  );
  expect([1, 5, 6, 8, 10, 11, 12].map((i) => found.results[i]?.value)).toEqual([
    ...[0x5a, 0x0c, 0x01, 0x00, 0xc1, 0x61, 0xffff],
  ]);

  const talked = await guest.run((program) => {
    for (const character of text) program.out(base, 1, character.charCodeAt(0));
    return program
      .in(base, 1)
      .in(base, 1)
      .in(base, 1)
      .in(base + 5, 1);
  });
  expect(talked.results.slice(text.length).map(({ value }) => value)).toEqual([0x78, 0x65, 0x6e, 0x60]);
  expect((await uart.snapshot()).state).toMatchObject({
    sent: text,
    sentBytes: text.length,
    divisor: 0x10c,
    input: '',
  });

  const looped = await guest.run((program) =>
    program
      .out(base + 4, 1, 0x1a)
      .in(base + 6, 1)
      .out(base, 1, 0x41)
      .out(base, 1, 0x42)
      .in(base, 1)
      .in(base, 1),
  );
  expect([1, 4, 5].map((i) => looped.results[i]?.value)).toEqual([0x92, 0x41, 0x42]);

  // Request bits of the master 8259, with the line low, high and low again; a PVH guest has none.
  const interrupted = await guest.run((program) =>
    program
      .out(0x20, 1, 0x0a)
      .in(0x20, 1)
      .out(base, 1, 0x43)
      .out(base + 1, 1, 0x01)
      .in(0x20, 1)
      .in(base + 2, 1)
      .in(base, 1)
      .in(base + 2, 1)
      .in(0x20, 1),
  );
  expect([5, 6, 7].map((i) => interrupted.results[i]?.value)).toEqual([0xc4, 0x43, 0xc1]);
  if (hasIrq) {
    const requests = [1, 4, 8].map((i) => (interrupted.results[i]?.value ?? 0) & (1 << irq));
    expect(requests).toEqual([0, 1 << irq, 0]);
  }

  const before = await uart.snapshot();
  await uart.reset();
  const reset = await guest.run((program) =>
    program
      .in(base + 7, 1)
      .in(base + 4, 1)
      .in(base, 1),
  );
  expect(reset.results.map(({ value }) => value)).toEqual([0, 0, 0x2d]);
  await uart.restore(before);
  const restored = await guest.run((program) =>
    program
      .in(base + 7, 1)
      .in(base + 4, 1)
      .in(base + 1, 1),
  );
  expect(restored.results.map(({ value }) => value)).toEqual([0x5a, 0x1a, 0x01]);
});
