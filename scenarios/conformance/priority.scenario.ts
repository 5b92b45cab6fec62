/**
 * # Background
 * Servers may own the same addresses. Since Xen 4.11 the one with the highest id gets the access, and ids are given from
 * the lowest free one on, so that a server that is made anew can come behind an older one (hvm_select_ioreq_server).
 *
 * # Method
 * Two servers own one port; closes and makes them anew in both orders and looks who answers. A wider range of one of them
 * answers where the other's ends.
 *
 * # A broken Xen
 * would choose another server, or both.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

scenario('of two owners the one with the higher id answers', async ({ guest, deviceModel }) => {
  const attach = async (server: string, register: number, initial: number): Promise<void> => {
    await deviceModel.attach(scratch, { server, at: { register }, options: { initial } });
  };
  const read = async (): Promise<(number | undefined)[]> => {
    const seen = await guest.run((program) => program.in(0x5000, 4).in(0x5004, 2).in(0x5002, 4));
    return seen.results.map(({ value }) => value);
  };
  await attach('first', 0x5000, 0x1111_1111);
  await attach('second', 0x5002, 0x2222_2222);
  // The first owns 0x5000 to 0x5003, the second 0x5002 to 0x5005.
  expect(await read()).toEqual([0x1111_1111, 0x2222, 0x2222_2222]);
  await attach('third', 0x5000, 0x3333_3333);
  expect(await read()).toEqual([0x3333_3333, 0x2222, 0x2222_2222]);
  const { xenId } = await deviceModel.closeServer('first');
  await attach('fourth', 0x5000, 0x4444_4444);
  // It has the first one's id, the lowest of the three.
  expect(await read()).toEqual([0x3333_3333, 0x2222, 0x2222_2222]);
  await deviceModel.closeServer('third');
  expect(await read()).toEqual([0x4444_4444, 0x2222, 0x2222_2222]);
  expect((await deviceModel.closeServer('fourth')).xenId).toBe(xenId);
  expect(await read()).toEqual([0xffff_ffff, 0x2222, 0x2222_2222]);
});
