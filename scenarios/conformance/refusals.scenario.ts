/**
 * # Background
 * What cannot be attached is refused with an error that says why; some by the library, some by Xen (the 257th range of a
 * server: MAX_NR_IO_RANGES, ENOMEM).
 *
 * # Method
 * Attaches devices that overlap, that do not fit, that lack a place, that Xen has no room for; what was attached before
 * must go on.
 *
 * # A broken Xen
 * or a broken library would take them, or lose what was there.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import many from './many.device.ts';

scenario(
  'what cannot be attached is refused, and harms nobody',
  { oracle: 'off because half of what is refused stays mapped' },
  async ({ guest, deviceModel }) => {
    await deviceModel.attach(scratch, { at: { register: 0x5000 }, options: { initial: 0x1234 } });
    const refused = async (register: number): Promise<unknown> =>
      await deviceModel.attach(scratch, { at: { register } }).catch((error: unknown) => error);
    expect(await refused(0x5003)).toMatchObject({ blame: 'scenario', code: 'REGION_OVERLAP' });
    expect(await refused(0xfffd)).toMatchObject({ blame: 'scenario', code: 'REGION_OUT_OF_RANGE' });
    await expect(deviceModel.attach(scratch, { at: {} as { register: number } })).rejects.toMatchObject({
      blame: 'scenario',
      code: 'REGION_NOT_PLACED',
    });
    const at = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`port${i}`, 0x6000 + 2 * i]));
    await expect(deviceModel.attach(many, { at, server: 'many' })).rejects.toMatchObject({
      blame: 'scenario',
      code: 'RANGE_REFUSED',
      message: expect.stringContaining('ENOMEM') as string,
    });
    const seen = await guest.run((program) =>
      program
        .in(0x5000, 4)
        .in(0x6000 + 2 * 255, 1)
        .in(0x6000 + 2 * 256, 1),
    );
    expect(seen.results.map(({ value }) => value)).toEqual([0x1234, 0xff, 0xff]);
  },
);
