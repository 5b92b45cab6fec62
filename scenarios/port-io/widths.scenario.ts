/**
 * # Background
 * IN of one or two bytes leaves the rest of RAX as it was; IN of four bytes clears its upper half (Intel SDM volume 1,
 * 3.4.1.1). The device model only gives `data`; it is Xen that puts its low bytes into the register.
 *
 * # Method
 * Reads every width from a device that answers with all four bytes set, with a pattern in RAX before; writes every width
 * with more in RAX than is to be written, and looks at what arrived.
 *
 * # A broken Xen
 * would take more of the answer than the access is wide, or clear or keep the wrong part of RAX.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from './scratch.device.ts';

const before = 0xa5a5_5a5a_c3c3_3c3cn;

scenario('IN and OUT move just the bytes of their width', async ({ guest, deviceModel }) => {
  await deviceModel.attach(scratch, { at: { register: 0x5000 }, options: { initial: 0x8899aabb } });
  const seen = await guest.run((program) =>
    program
      .in(0x5000, 1, { rax: before })
      .in(0x5000, 2, { rax: before })
      .in(0x5000, 4, { rax: before })
      .in(0x5003, 1, { rax: before })
      .in(0x5002, 2, { rax: before }),
  );
  expect(seen.results.map(({ rax }) => rax)).toEqual([
    0xa5a5_5a5a_c3c3_3cbbn,
    0xa5a5_5a5a_c3c3_aabbn,
    0x8899_aabbn,
    0xa5a5_5a5a_c3c3_3c88n,
    0xa5a5_5a5a_c3c3_8899n,
  ]);

  const written = await guest.run((program) =>
    program
      .out(0x5000, 4, 0)
      .out(0x5000, 1, 0x11, { rax: 0xffff_ff00n })
      .in(0x5000, 4)
      .out(0x5000, 2, 0x2233, { rax: 0xffff_0000n })
      .in(0x5000, 4)
      .out(0x5000, 4, 0x44556677, { rax: 0xffff_ffff_0000_0000n })
      .in(0x5000, 4),
  );
  expect([2, 4, 6].map((i) => written.results[i]?.value)).toEqual([0x11, 0x2233, 0x44556677]);
  await expect(written).toMatchOracle();
});
