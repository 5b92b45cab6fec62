/**
 * # Background
 * inject_event puts an exception into a vCPU, which gets it when it runs next after its device model has answered
 * (hvm_do_resume in xen/arch/x86/hvm/hvm.c); one at a time: EBUSY. A page fault brings its address along.
 *
 * # Method
 * vCPU 0 reads a port in a loop that ends only by an exception; dom0 injects #UD, #GP and #PF, each with what belongs to it,
 * when the loop has begun. The guest's handlers report them.
 *
 * # A broken Xen
 * would lose the event, deliver it to another vCPU, or with another error code.
 */
import { expect, ports, scenario } from 'ioreqlab/scenario';

const port = 0x6f30;
const hardwareException = 3n;
/** IN AL, DX, for ever. */
const loop = Uint8Array.of(0xec, 0xeb, 0xfd);
const events = [
  { vector: 6, errorCode: 0, address: 0n, sent: 0xffff_ffff },
  { vector: 13, errorCode: 0x18, address: 0n, sent: 0x18 },
  { vector: 14, errorCode: 2, address: 0x1234_5000n, sent: 2 },
];

scenario(
  'exceptions from dom0',
  { oracle: 'off because exceptions come from dom0' },
  async ({ guest, deviceModel, signal }) => {
    await deviceModel.attachConstant({ server: 'main', value: 0x42 });
    await deviceModel.mapRanges('main', ports(port));
    for (const { vector, errorCode, address, sent } of events) {
      const before = (await deviceModel.trace('main', 1))[0]?.sequence ?? -1;
      const running = guest.run((program) => program.raw(loop, { registers: { rdx: BigInt(port) } }));
      while (((await deviceModel.trace('main', 1))[0]?.sequence ?? -1) === before) signal.throwIfAborted();
      const [injected] = await guest.dmOps([
        { op: 'injectEvent', args: [0n, BigInt(vector), hardwareException, BigInt(sent), 0n, address] },
      ]);
      expect(injected).toMatchObject({ ok: true });
      const { results } = await running;
      expect(results[0]?.fault).toMatchObject({ vector, errorCode, address });
    }
    const [none] = await guest.dmOps([
      { op: 'injectEvent', args: [BigInt(guest.vcpus), 6n, hardwareException, 0n, 0n, 0n] },
    ]);
    expect(none).toMatchObject({ ok: false, errno: 'EINVAL' });
  },
);
