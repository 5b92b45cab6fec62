/**
 * # Background
 * A frame of type HVMMEM_ram_ro is memory that the guest cannot change: Xen drops what it writes, as a read-only memory does,
 * and nobody is told (p2m_is_discard_write in hvm_hap_nested_page_fault and __hvm_copy, xen/arch/x86/hvm/hvm.c). Who maps it from
 * outside may write it all the same.
 *
 * # Method
 * A frame is made read-only; writes of every width, REP STOS and a locked one go nowhere, reads give what was there, and what dom0
 * writes. Then it is memory again.
 *
 * # A broken Xen
 * would let a write through, raise an exception, or ask a server that owns the address.
 */
import { expect, memory, scenario, SCRATCH } from 'ioreqlab/scenario';

const at = SCRATCH.end - 0x6_0000n;
const [ramRw, ramRo] = [0n, 1n];
/** XCHG [RDI], EAX */
const exchange = Uint8Array.of(0x87, 0x07);

scenario('memory that the guest cannot change', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x33 });
  await deviceModel.mapRanges('main', memory(at, at + 0xfffn));
  await guest.run((program) => program.fill(at, 0x1000, 0x77));
  const [made] = await guest.dmOps([{ op: 'setMemType', args: [ramRo, at >> 12n, 1n] }]);
  expect(made).toMatchObject({ ok: true });
  try {
    const writes = await guest.run((program) => {
      for (const size of [1, 2, 4, 8] as const) program.store(at + 0x10n * BigInt(size), size, 0);
      return program
        .repStos({ size: 4, destination: at + 0x100n, value: 0, count: 16 })
        .raw(exchange, { registers: { rax: 0n, rdi: at + 0x200n } });
    });
    expect(writes.results.map(({ fault }) => fault)).toEqual(writes.results.map(() => undefined));
    expect(await guest.readMemory(Number(at), 0x1000)).toEqual(new Uint8Array(0x1000).fill(0x77));
    await guest.writeMemory(Number(at) + 0x300, Uint8Array.of(1, 2, 3, 4));
    const reads = await guest.run((program) => program.load(at + 0x10n, 8).load(at + 0x300n, 4));
    expect(reads.results.map(({ value }) => value)).toEqual([0x7777_7777, 0x0403_0201]);
    expect((await deviceModel.trace('main')).filter(({ type }) => type === 1)).toEqual([]);
  } finally {
    await guest.dmOps([{ op: 'setMemType', args: [ramRw, at >> 12n, 1n] }]);
  }
  const again = await guest.run((program) => program.store(at, 4, 0x1234).load(at, 4));
  expect(again.results[1]?.value).toBe(0x1234);
});
