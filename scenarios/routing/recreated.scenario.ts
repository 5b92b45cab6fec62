/**
 * # Background
 * A new server gets the lowest id that is free (hvm_create_ioreq_server, since Xen 4.11), and ids decide who is asked
 * first: so one that is made anew may come behind servers that are older than it.
 *
 * # Method
 * Three servers own one port and one function. The lowest, the middle and the highest are closed and made anew, with what
 * the old one owned and without: id, answers and priority are looked at after each.
 *
 * # A broken Xen
 * would leave ranges of the old server to the new one with its id, hand out another id, or keep the order of making.
 */
import { expect, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const port = 0x5400;

scenario('a server that is made anew has the lowest free id', async ({ guest, deviceModel }) => {
  const make = async (server: string, value: number, ownsIt = true): Promise<number> => {
    await deviceModel.attachConstant({ server, value });
    if (ownsIt) await deviceModel.mapRanges(server, ports(port, port + 3), pciFunction('00:1a.0'));
    return await deviceModel.xenId(server);
  };
  const look = async (): Promise<readonly number[]> => {
    const seen = await guest.run((program) => program.in(port, 4).out(0xcf8, 4, 0x8000_d000).in(0xcfc, 4));
    await expect(seen).toMatchOracle();
    return [0, 2].map((i) => seen.results[i]?.value ?? 0);
  };
  const both = (value: number): number[] => [value, value];
  const first = await make('a', 0xa1);
  expect([await make('b', 0xb1), await make('c', 0xc1)]).toEqual([first + 1, first + 2]);
  expect(await look()).toEqual(both(0xc1));

  // The lowest anew stays the lowest.
  await deviceModel.closeServer('a');
  expect(await make('a', 0xa2)).toBe(first);
  expect(await look()).toEqual(both(0xc1));

  // The highest anew, and owns nothing of what the old one did.
  await deviceModel.closeServer('c');
  expect(await look()).toEqual(both(0xb1));
  expect(await make('c', 0xc2, false)).toBe(first + 2);
  expect(await look()).toEqual(both(0xb1));
  await deviceModel.mapRanges('c', ports(port, port + 3));
  expect(await look()).toEqual([0xc2, 0xb1]);

  // Two free ids: the lower one goes first, to whoever comes first.
  await deviceModel.closeServer('a');
  await deviceModel.closeServer('b');
  expect(await look()).toEqual([0xc2, 0xffff_ffff]);
  expect(await make('b', 0xb3)).toBe(first);
  expect(await make('a', 0xa3)).toBe(first + 1);
  expect(await look()).toEqual([0xc2, 0xa3]);
});
