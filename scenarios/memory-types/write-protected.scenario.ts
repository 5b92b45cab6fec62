/**
 * # Background
 * A frame of type HVMMEM_ioreq_server is read as memory, but what the guest writes goes to the one server that has claimed the
 * type (map_mem_type_to_ioreq_server, set_mem_type; p2m_ioreq_server in hvmemul_do_io, xen/arch/x86/hvm/emulate.c): a device
 * model sees writes to guest memory, such as a page table of a graphics processor. A read-modify-write reads the memory, and its
 * write is a request.
 *
 * # Method
 * Two frames get the type. Writes of every width, over the border of the two, and LOCK ADD; then what the server saw, and that
 * the memory is as it was. When the server gives the type up, writes go to memory again.
 *
 * # A broken Xen
 * would let a write through, ask the server for reads, or ask one that owns the address by a range.
 */
import { expect, memory, scenario, SCRATCH } from 'ioreqlab/scenario';

const first = SCRATCH.end - 0x5_0000n;
const gfn = first >> 12n;
const [ramRw, ioreqServer, write] = [0n, 4n, 2n];
/** LOCK ADD DWORD PTR [RDI], EAX */
const lockAdd = Uint8Array.of(0xf0, 0x01, 0x07);

scenario(
  'frames whose writes a server gets',
  { oracle: 'off because it does not know frames of other types' },
  async ({ guest, deviceModel }) => {
    await deviceModel.attachConstant({ server: 'claims', value: 0x11 });
    await deviceModel.attachConstant({ server: 'owns', value: 0x22 });
    await deviceModel.mapRanges('owns', memory(first, first + 0x1fffn));
    const id = BigInt(await deviceModel.xenId('claims'));
    await guest.run((program) => program.fill(first, 0x2000, 0x5a));
    const set = await guest.dmOps([
      // Nobody has claimed it.
      { op: 'setMemType', args: [ioreqServer, gfn, 1n] },
      { op: 'mapMemType', args: [id, ioreqServer, write] },
      { op: 'setMemType', args: [ioreqServer, gfn, 2n] },
      // Only back to memory.
      { op: 'setMemType', args: [1n, gfn, 1n] },
    ]);
    expect(set).toMatchObject([
      { ok: false, errno: 'EINVAL' },
      { ok: true },
      { ok: true },
      { ok: false, errno: 'EINVAL' },
    ]);
    try {
      const seen = await guest.run((program) => {
        for (const size of [1, 2, 4, 8] as const)
          program.store(first + 0x100n, size, 0x11 * size).load(first + 0x100n, size);
        program.store(first + 0xffcn, 8, 0x8877_6655_4433_2211n).load(first + 0xffcn, 8);
        program.raw(lockAdd, { registers: { rax: 3n, rdi: first + 0x200n } }).load(first + 0x200n, 4);
        return program.load(first + 0x1ff8n, 8);
      });
      expect(seen.results.filter(({ fault }) => fault !== undefined)).toEqual([]);
      const loads = seen.results.filter(({ op }) => op === 'load').map(({ value }) => value);
      expect(loads).toEqual([0x5a, 0x5a5a, ...Array<number>(5).fill(0x5a5a_5a5a)]);
      const records = (await deviceModel.trace('claims')).filter(({ type }) => type === 1);
      expect(
        records.map(({ isRead, size, count, address, data }) => [isRead, size, count, address - first, data]),
      ).toEqual([
        ...[1, 2, 4, 8].map((size) => [false, size, 1, 0x100n, BigInt(0x11 * size)]),
        [false, 4, 1, 0xffcn, 0x4433_2211n],
        [false, 4, 1, 0x1000n, 0x8877_6655n],
        [false, 4, 1, 0x200n, 0x5a5a_5a5dn],
      ]);
      expect((await deviceModel.trace('owns')).filter(({ type }) => type === 1)).toEqual([]);
    } finally {
      await guest.dmOps([
        { op: 'setMemType', args: [ramRw, gfn, 2n] },
        { op: 'mapMemType', args: [id, ioreqServer, 0n] },
      ]);
    }
    const asked = (await deviceModel.trace('claims')).length;
    const after = await guest.run((program) => program.store(first + 0x100n, 4, 0xabcd).load(first + 0x100n, 4));
    expect(after.results[1]?.value).toBe(0xabcd);
    expect((await deviceModel.trace('claims')).slice(asked).filter(({ type }) => type === 1)).toEqual([]);
  },
);
