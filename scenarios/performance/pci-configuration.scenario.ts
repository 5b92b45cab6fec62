/**
 * # Background
 * An access to ports 0xcfc to 0xcff goes to who owns the function that 0xcf8 selects: Xen looks through its servers with an
 * address of another kind (ioreq_server_get_type_addr in xen/arch/x86/hvm/ioreq.c), and the device model through a
 * configuration space.
 *
 * # Method
 * Reads and writes of 4 bytes, `pci.read.<who>` and `pci.write.<who>`: a function in TypeScript and one whose every register C
 * answers with one value, blocking and spinning, a function of QEMU (the host bridge), and one that nobody has.
 *
 * # Limits
 * As those of the ladder.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { timeAccesses, timeServer, warmUp, type Access } from './climb.ts';

const device = { ts: 5, c: 6, qemu: 0, unclaimed: 20 } as const;
const constant = 0x1234_5678;
const interruptLine = 0x3c;

const selectionOf = (who: keyof typeof device, offset = 0): number =>
  (0x8000_0000 | (device[who] << 11) | offset) >>> 0;

scenario(
  'what a cycle of PCI configuration costs',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    const fixtures = { host, guest, deviceModel, record };
    const read: Access = (op) => op.in(0xcfc, 4);
    const write: Access = (op) => op.out(0xcfc, 4, 0x0b);
    const select = async (who: keyof typeof device, offset?: number): Promise<number> =>
      (await guest.run((program) => program.out(0xcf8, 4, selectionOf(who, offset)).in(0xcfc, 4))).results[1]?.value ??
      -1;

    await deviceModel.attach('pciTest', { server: 'ts', at: { function: `00:05.0` } });
    expect(await select('ts')).toBe(0x0005_1b36);
    await select('ts', interruptLine);
    await warmUp(fixtures, 'ts', [read, write]);
    await timeServer(fixtures, { topic: 'pci', rung: 'ts', accesses: { read, write } });
    await deviceModel.closeServers();

    await deviceModel.attachConstant({ server: 'c', value: constant });
    await deviceModel.mapRanges('c', { kind: 'pci', start: BigInt(device.c << 3), end: BigInt(device.c << 3) });
    expect(await select('c')).toBe(constant);
    await timeServer(fixtures, { topic: 'pci', rung: 'c', accesses: { read, write } });
    await deviceModel.closeServers();

    expect(await select('qemu')).not.toBe(0xffff_ffff);
    await timeAccesses(fixtures, { topic: 'pci', rung: 'qemu', accesses: { read } });
    expect(await select('unclaimed')).toBe(0xffff_ffff);
    await timeAccesses(fixtures, { topic: 'pci', rung: 'unclaimed', accesses: { read, write }, isQuick: true });
  },
);
