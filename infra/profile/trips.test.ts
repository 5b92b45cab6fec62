import { describe, expect, it } from 'vitest';
import { ProcessSymbols, SymbolTable, type HostSymbols } from './symbols.ts';
import { medianTrip, readTrips, toStory, toTable } from './trips.ts';

const maps = [
  '00400000-00500000 r--p 00000000 fe:00 1 /opt/node',
  '00500000-00600000 r-xp 00100000 fe:00 1 /opt/node',
  '7f0000003000-7f0000008000 r-xp 00003000 fe:00 2 /opt/ioreq.node',
  '7f0000010000-7f0000020000 r-xp 00000000 00:00 0 ',
  '7f0000020000-7f0000030000 rw-p 00000000 00:00 0 ',
].join('\n');
const symbols: HostSymbols = {
  xen: new SymbolTable(
    'ffff82d040200000 T start\nffff82d040200100 t file.c#schedule\tmodule\nffff82d040200150 d data\n',
  ),
  kernel: new SymbolTable('ffffffff81000000 T _text\nffffffff81000200 T evtchn_ioctl\n'),
  process: new ProcessSymbols(
    maps,
    new Map([
      ['node', new SymbolTable('0000000000500000 T v8::internal::Run(int)\n')],
      ['ioreq.node', new SymbolTable('                 U napi_throw\n0000000000003100 t serve_next\n')],
    ]),
  ),
};

async function* log(...steps: readonly (readonly [cpu: number, pc: number | bigint, flags?: number])[]) {
  yield 'qemu: some other line';
  for (const [cpu, pc, flags = 0xb0] of steps) {
    yield `Trace ${cpu}: 0x7f47 [0000000000000000/${pc.toString(16).padStart(16, '0')}/${flags.toString(16).padStart(8, '0')}/ff020201] `;
  }
}
const guest = 0x20_00b0;
const [loop, end] = [
  [1, 0x105100, guest],
  [1, 0x10513f, guest],
] as const;

describe('a round trip', () => {
  it('goes from one start of the guest’s loop to the next, and each instruction has its place', async () => {
    const trips = await readTrips(
      log(
        end,
        [1, 0xffff82d040200000n],
        loop,
        [1, 0xffff82d040200104n],
        end,
        loop,
        [1, 0xffff82d040200104n],
        [1, 0xffff82d040200160n],
        [0, 0xffff82d040200004n],
        [0, 0xffffffff81000204n],
        [0, 0x500010],
        [0, 0x7f0000003104n],
        [0, 0x7f0000010000n],
        [0, 0x7f0000025000n],
        end,
        loop,
        end,
      ),
      symbols,
    );
    expect(trips).toHaveLength(2);
    expect(trips[0]).toHaveLength(3);
    expect(trips[1]?.map(({ side, name }) => `${side}: ${name}`)).toEqual([
      'guest: ',
      'Xen, on the guest’s processor: file.c#schedule',
      'Xen, on the guest’s processor: file.c#schedule',
      'Xen, on dom0’s processor: start',
      'dom0’s kernel: evtchn_ioctl',
      'node: v8::internal::Run(int)',
      'ioreq.node: serve_next',
      'compiled JavaScript: ',
      'other processes: ',
      'guest: ',
    ]);
    expect(medianTrip(trips)).toBe(trips[1]);
  });

  it('is shown as a table and as a story', () => {
    const [a, b] = [
      { side: 'Xen', name: 'f' },
      { side: 'Xen', name: 'g' },
    ];
    const trip = [a, a, b, { side: 'node', name: 'h' }, a];
    expect(toTable(trip, 1)).toBe('      4  Xen\n            3  f\n      1  node\n            1  h');
    expect(toStory(trip)).toBe('      2  Xen  f\n      1  Xen  g\n      1  node  h\n      1  Xen  f');
  });
});
