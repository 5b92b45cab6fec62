/**
 * # Background
 * A guest has at most eight ioreq servers; ids are given from the lowest free one on (MAX_NR_IOREQ_SERVERS,
 * hvm_create_ioreq_server). QEMU and the control port have one each, where they are.
 *
 * # Method
 * Makes servers until Xen refuses; each has a register, and must see its own accesses and no other. Closes one in the
 * middle and makes it anew.
 *
 * # A broken Xen
 * or a broken library would mix servers up, keep an id, or give one twice.
 */
import { expect, readTrace, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

scenario('as many servers as Xen has room for', async ({ guest, deviceModel, params }) => {
  const room = params['environment'] === 'hvm' ? 6 : 7;
  const names = Array.from({ length: room }, (_, i) => `s${i}`);
  const portOf = (i: number): number => 0x5000 + 0x10 * i;
  for (const [i, server] of names.entries()) {
    await deviceModel.attach(scratch, { server, at: { register: portOf(i) }, options: { initial: i + 1 } });
  }
  await expect(deviceModel.attach(scratch, { server: 'toomany', at: { register: 0x6000 } })).rejects.toMatchObject({
    code: 'ENOSPC',
  });
  const all = await guest.run((program) => {
    for (const i of names.keys()) program.in(portOf(i), 4).out(portOf(i), 4, 0x100 + i);
    for (const i of names.keys()) program.in(portOf(i), 4);
    return program;
  });
  expect(names.map((_, i) => all.results[2 * i]?.value)).toEqual(names.map((_, i) => i + 1));
  expect(names.map((_, i) => all.results[2 * room + i]?.value)).toEqual(names.map((_, i) => 0x100 + i));

  const middle = await deviceModel.closeServer('s2');
  expect(readTrace(middle.trace).map(({ address }) => address)).toEqual([0x5020n, 0x5020n, 0x5020n]);
  const without = await guest.run((program) => program.in(portOf(1), 4).in(portOf(2), 4).in(portOf(3), 4));
  expect(without.results.map(({ value }) => value)).toEqual([0x101, 0xffffffff, 0x103]);

  await deviceModel.attach(scratch, { server: 's2', at: { register: portOf(2) }, options: { initial: 7 } });
  const anew = await guest.run((program) => program.in(portOf(2), 4));
  expect(anew.results[0]?.value).toBe(7);
  expect((await deviceModel.closeServer('s2')).xenId).toBe(middle.xenId);
  const rest = await deviceModel.close();
  const ids = new Set(rest.map(({ xenId }) => xenId));
  expect(ids.size).toBe(room);
});
