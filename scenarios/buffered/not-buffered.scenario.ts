/**
 * # Background
 * Only single writes that lie wholly in VGA memory go through the ring, if the server that owns them has one; reads, batches, and
 * what begins before 0xa0000 or ends behind 0xbffff take the vCPU's slot, and a page fault's worth of border is two accesses
 * (stdvga_mem_accept in xen/arch/x86/hvm/stdvga.c, hvm_send_buffered_ioreq).
 *
 * # Method
 * Two servers, one with a ring, one without, own the two halves. Single writes, reads, STOS and MOVS with REP, an access over
 * the border of the halves, read-modify-write, and the same ports' worth of writes elsewhere.
 *
 * # A broken Xen
 * would buffer what somebody waits for, or let a batch overtake a write before it.
 */
import { expect, HOLE_BELOW_4G, memory, scenario, SCRATCH } from 'ioreqlab/scenario';

const low = 0xa_0000;
const high = 0xb_0000;
const elsewhere = Number(HOLE_BELOW_4G.start) + 0xd_0000;
/** ADD DWORD PTR [RDI], EAX */
const add = Uint8Array.of(0x01, 0x07);

scenario('what does not go through the ring', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  await deviceModel.createServer('ring', { buffered: 'atomic' });
  await deviceModel.attachConstant({ server: 'ring', value: 0x55 });
  await deviceModel.attachConstant({ server: 'none', value: 0x66 });
  await deviceModel.mapRanges('ring', memory(low, high - 1), memory(elsewhere, elsewhere + 0xfff));
  await deviceModel.mapRanges('none', memory(high, high + 0xffff));
  const source = SCRATCH.start + 0x1000n;
  const seen = await guest.run((program) => {
    program.fill(source, 0x100, 0x5a);
    for (const at of [low, high, elsewhere]) {
      program
        .store(at + 4, 4, 1)
        .load(at + 4, 4)
        .store(at + 8, 8, 2)
        .store(at + 16, 1, 3);
    }
    program.repStos({ size: 2, destination: low + 0x100, value: 7, count: 5 });
    program.stos({ size: 2, destination: low + 0x100, value: 8 });
    program.repMovs({ size: 4, source, destination: low + 0x200, count: 4 });
    program.repMovs({ size: 4, source: low + 0x200, destination: source, count: 4 });
    program.store(high - 2, 4, 0x0a0b_0c0d).store(low + 0x20, 4, 9);
    return program.raw(add, { registers: { rax: 1n, rdi: BigInt(low + 0x24) } });
  });
  expect(seen.results.filter(({ fault }) => fault !== undefined)).toEqual([]);
  await expect(seen).toMatchOracle();
  const records = await deviceModel.trace('ring');
  const isSingleWrite = ({ isRead, count, dataIsPointer, address }: (typeof records)[number]): boolean =>
    !isRead && count === 1 && !dataIsPointer && address < BigInt(high);
  expect(records.map(({ isBuffered }) => isBuffered)).toEqual(records.map(isSingleWrite));
  expect(records.filter(({ isBuffered }) => isBuffered).length).toBeGreaterThanOrEqual(7);
  expect((await deviceModel.trace('none')).every(({ isBuffered }) => !isBuffered)).toBe(true);
});
