/**
 * # Background
 * A disabled server is asked nothing, but is there: it keeps its id, its ranges and its page, and can be given ranges
 * (ioreq_server_disable in xen/common/ioreq.c). What it owns goes to the next server that owns it, or to nobody.
 *
 * # Method
 * A server is disabled and enabled again, with accesses to its ports, its memory and its function in each state; while it is
 * disabled it gets another range, and loses one. Disabling and enabling twice is once.
 *
 * # A broken Xen
 * would go on asking it, forget its ranges, or take its channels away.
 */
import { expect, HOLE_BELOW_4G, memory, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const port = 0x6f00;
const hole = Number(HOLE_BELOW_4G.start) + 0xb_0000;

scenario('a server that is disabled', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'below', value: 0x1111_1111 });
  await deviceModel.attachConstant({ server: 'main', value: 0x2222_2222 });
  await deviceModel.mapRanges('below', ports(port, port + 3));
  const owned = [ports(port, port + 3), memory(hole, hole + 7), pciFunction('00:1d.0')];
  await deviceModel.mapRanges('main', ...owned);
  const look = async (): Promise<readonly number[]> => {
    const seen = await guest.runAll([
      (program) =>
        program
          .in(port, 4)
          .load(hole, 4)
          .out(0xcf8, 4, 0x8000_e800)
          .in(0xcfc, 4)
          .in(port + 8, 4),
    ]);
    await expect(seen).toMatchOracle();
    return (seen[0]?.results ?? []).filter(({ op }) => op !== 'out').map(({ value }) => value);
  };
  const [below, main, none] = [0x1111_1111, 0x2222_2222, 0xffff_ffff];
  expect(await look()).toEqual([main, main, main, none]);
  for (let turn = 0; turn < 2; turn++) {
    await deviceModel.setEnabled('main', false);
    if (turn === 1) await deviceModel.setEnabled('main', false);
    expect(await look()).toEqual([below, none, none, none]);
    // Now it gets a port, later it loses it.
    if (turn === 0) await deviceModel.mapRanges('main', ports(port + 8, port + 11));
    else await deviceModel.unmapRanges('main', ports(port + 8, port + 11));
    expect(await look()).toEqual([below, none, none, none]);
    await deviceModel.setEnabled('main', true);
    if (turn === 1) await deviceModel.setEnabled('main', true);
    expect(await look()).toEqual([main, main, main, turn === 0 ? main : none]);
  }
  // Who takes its id while it is disabled? Nobody.
  await deviceModel.setEnabled('below', false);
  await deviceModel.createServer('third');
  expect(await deviceModel.xenId('third')).toBe((await deviceModel.xenId('main')) + 1);
});
