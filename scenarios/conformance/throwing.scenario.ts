/**
 * # Background
 * A guest must never wait because a handler is broken: an access whose handler throws is answered with all ones, and the
 * scenario is told.
 *
 * # Method
 * Brings a device into a state in which its handler throws and out of it again, with a healthy device beside it.
 *
 * # A broken library
 * would leave the vCPU waiting, lose the device, or keep quiet.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import moody from './moody.device.ts';

scenario('a handler that throws is answered for, and told of', async ({ guest, deviceModel }) => {
  await deviceModel.attach(moody, { at: { mood: 0x5000, other: 0x5004 } });
  const seen = await guest.run((program) =>
    program
      .out(0x5000, 4, 5)
      .in(0x5000, 4)
      .out(0x5000, 4, 13)
      .in(0x5000, 4)
      .in(0x5004, 4)
      .in(0x5000, 2)
      .out(0x5000, 4, 6)
      .in(0x5000, 4),
  );
  expect([1, 3, 4, 5, 7].map((i) => seen.results[i]?.value)).toEqual([5, 0xffffffff, 0x600d, 0xffff, 6]);
  await deviceModel.closeServer();
  const trouble = deviceModel.takeTrouble();
  expect(trouble).toMatchObject({ blame: 'deviceModel', code: 'HANDLER_THREW' });
  expect(trouble?.message).toContain('moody.mood');
  expect(trouble?.message).toContain('a bad mood');
});
