/**
 * # Background
 * Without QEMU a domain has no server but those that we make: the control port's, which is the first, has id 0, and there is
 * room for seven more (MAX_NR_IOREQ_SERVERS). There is no pool of guest frames for pages either, so that they are mapped as
 * resources (xg_dom_x86.c makes the pool for domains with a device model only).
 *
 * # Method
 * Servers are made and closed; their ids are looked at. A server that is asked for frames of the guest gets none, but on
 * versions whose two legacy frames can be used.
 *
 * # A broken Xen
 * would leave an id to somebody that is not there, or hand out a frame that the guest has not.
 */
import { expect, ports, scenario } from 'ioreqlab/scenario';

scenario('the first server of a guest without QEMU', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  for (let id = 1; id < 8; id++) {
    await deviceModel.createServer(`s${id}`);
    expect(await deviceModel.xenId(`s${id}`)).toBe(id);
  }
  await expect(deviceModel.createServer('one-more')).rejects.toMatchObject({ code: 'ENOSPC' });
  for (let id = 1; id < 8; id++) expect((await deviceModel.closeServer(`s${id}`)).xenId).toBe(id);
  await deviceModel.attachConstant({ server: 'anew', value: 7 });
  expect(await deviceModel.xenId('anew')).toBe(1);
  await deviceModel.mapRanges('anew', ports(0x5d00));
  const seen = await guest.run((program) => program.in(0x5d00, 1).in(0x5d01, 1));
  expect(seen.results.map(({ value }) => value)).toEqual([7, 0xff]);
  await expect(seen).toMatchOracle();
});
