/**
 * # Background
 * A vCPU that is off has a slot and a channel in every server all the same: they are made for all vCPUs of the domain, in a
 * server that is made meanwhile too (hvm_ioreq_server_add_vcpu_all). INIT takes a vCPU away in the middle of whatever it does,
 * SIPI starts it anew (vlapic_init_sipi_one in xen/arch/x86/hvm/vlapic.c).
 *
 * # Method
 * The last vCPU waits for an interrupt when the first sends it INIT; while it is off a server is made; then SIPI. It comes up, and
 * its accesses must reach the server that was there before and the one that was made meanwhile, beside those of the others.
 * What it was running has no results: that is what the run ends with.
 *
 * # A broken Xen
 * would make channels only for vCPUs that are on, or leave the slot of one that was reset as it was.
 */
import { expect, ports, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import slow from './slow.device.ts';

const apic = 0xfee0_0000;
const [init, startUp] = [0x4500, 0x4608];
const [before, meanwhile, register] = [0x6f40, 0x6f50, 0x6f60];

scenario(
  'a vCPU goes, and comes back',
  { oracle: 'off because the run in which the vCPU goes has no results' },
  async ({ guest, deviceModel }) => {
    const { vcpus } = guest;
    await deviceModel.attachConstant({ server: 'before', value: 0x1111_1111 });
    await deviceModel.mapRanges('before', ports(before, before + 3));
    await deviceModel.attach(slow, { server: 'slow', at: { register }, options: { ms: 600 } });
    let made = false;
    const look = async (): Promise<void> => {
      const seen = await guest.runAll(
        Array.from({ length: vcpus }, () => new ProgramBuilder().barrier().in(before, 4).in(meanwhile, 4).build()),
      );
      expect(seen.map(({ results }) => results.slice(1).map(({ value }) => value))).toEqual(
        seen.map(() => [0x1111_1111, made ? 0x2222_2222 : 0xffff_ffff]),
      );
      if (!made) await expect(seen).toMatchOracle();
    };
    await look();

    // Xen's APIC ids: twice the vCPU's number.
    const target = (2 * (vcpus - 1)) << 24;
    const command = (program: ProgramBuilder, value: number): ProgramBuilder =>
      program.store(apic + 0x310, 4, target).store(apic + 0x300, 4, value);
    const first = command(new ProgramBuilder().barrier(), init).in(register, 4);
    const last = new ProgramBuilder()
      .barrier()
      .interrupts({ timeoutCycles: 2n ** 63n })
      .build();
    const idle = new ProgramBuilder().barrier().build();
    const programs = Array.from({ length: vcpus }, (_, vcpu) =>
      vcpu === 0 ? command(command(first, startUp), startUp).build() : vcpu === vcpus - 1 ? last : idle,
    );
    const running = guest.runAll(programs);
    running.catch(() => undefined); // looked at below
    await deviceModel.attachConstant({ server: 'meanwhile', value: 0x2222_2222 });
    await deviceModel.mapRanges('meanwhile', ports(meanwhile, meanwhile + 3));
    await expect(running).rejects.toMatchObject({ code: 'GUEST_RESULTS_INVALID' });
    made = true;
    expect(await deviceModel.trace('slow')).toHaveLength(1);
    await deviceModel.closeServer('slow');
    await look();
  },
);
