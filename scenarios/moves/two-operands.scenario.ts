/**
 * # Background
 * While Xen waits for the answers that one instruction needs, it keeps those that it has in a cache of three entries, found
 * by address and direction (hvmemul_find_mmio_cache in xen/arch/x86/hvm/emulate.c). So reading the same place twice is one
 * request.
 *
 * # Method
 * CMPS of two places, of one place with itself, and of operands across pages; MOVS from MMIO to MMIO, inside a page and
 * with both operands across pages.
 *
 * # A broken Xen
 * would take one operand for the other, or make a request twice.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, rulesOf, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;

scenario('instructions with two operands in MMIO', async ({ guest, deviceModel, xenVersion }) => {
  const { operandCachedWhole } = rulesOf(await xenVersion());
  for (let page = 0; page < 4; page++) await deviceModel.attach(window, { at: { page: Number(base) + 0x1000 * page } });
  const program = new ProgramBuilder();
  for (let i = 0n; i < 4n; i++) {
    const end = base + 0x1000n * i;
    program.store(end, 8, 0x1716_1514_1312_1110n + i).store(end + 0xff8n, 8, 0x2726_2524_2322_2120n * (i + 1n));
  }
  const far = base + 0x2000n;
  for (const backward of [false, true]) {
    // Before 4.20 these would never come to their end: see oracle/gives-up.
    if (operandCachedWhole) {
      program
        .cmps({ size: 8, source: base + 0xffcn, destination: far + 0xffcn, backward })
        .movs({ size: 8, source: base + 0xffcn, destination: far + 0xffcn, backward });
    }
    program
      .cmps({ size: 4, source: base, destination: far, backward })
      .cmps({ size: 8, source: base, destination: base, backward })
      .cmps({ size: 8, source: base + 0xffcn, destination: far, backward })
      .cmps({ size: 8, source: base + 0xffcn, destination: base + 0x1000n, backward })
      .movs({ size: 8, source: base, destination: far, backward })
      .movs({ size: 4, source: base + 0xffen, destination: far + 8n, backward })
      .movs({ size: 8, source: base, destination: base, backward })
      .repMovs({ size: 2, count: 3, source: base + 0xffen, destination: far + 0xffen, backward })
      .cmps({ size: 4, repeat: 'rep', count: 5, source: base, destination: far, backward })
      .scas({ size: 1, repeat: 'repne', count: 9, destination: base + 4n, value: 0x16, backward })
      .lods({ size: 2, repeat: 'rep', count: 3, source: base + 0xffen, backward });
  }
  const seen = await guest.run(program.build());
  expect(seen.results.some(({ op, rcx }) => op === 'scas' && rcx > 0n)).toBe(true);
  await expect(seen).toMatchOracle();
});
