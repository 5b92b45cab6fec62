/**
 * # Background
 * A write to VGA memory goes into the ring of a server that has one, and the vCPU goes on; a ring of 511 slots that is full
 * makes the write an ordinary request (ioreq_send_buffered in xen/common/ioreq.c). Every entry is notified.
 *
 * # Method
 * Stores of 4 bytes as fast as the guest can, three rings full. `buffered.store.<who>`: each of them; `buffered.each.<who>`: the
 * whole of it, until the device model has answered the read behind the last, by the number of stores; `buffered.fallbacks.<who>`: how many found the ring full;
 * `buffered.slot.<who>`: the same store to a server without a ring. TypeScript and C, blocking and spinning.
 *
 * # Limits
 * As those of the ladder: in exact timing the device model makes its way while the guest stands still, and the guest's
 * while the device model does, so that what runs side by side is added up.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import { fewRequests, timeAccesses, waitings, warmUp, type Access } from './climb.ts';

const vga = 0xa0000;
const stores = 1_536;
const store: Access = (op) => op.store(vga, 4, 0xcafe);

scenario(
  'what a buffered write costs',
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
    for (const who of ['ts', 'c'] as const) {
      for (const kind of ['ring', 'slot'] as const) {
        const server = `${who}-${kind}`;
        await deviceModel.createServer(server, { buffered: kind === 'ring' ? 'atomic' : 'off' });
        if (who === 'ts') await deviceModel.attach(window, { server, at: { page: vga } });
        else await deviceModel.attachReference({ server, addresses: [vga] });
        await warmUp(fixtures, server, [store, (op) => op.load(vga, 4)], who === 'ts' ? undefined : fewRequests);
        for (const way of ['', '-spin'] as const) {
          await deviceModel.setWaiting(waitings(host.timing)[way], server);
          const rung = `${who}${way}`;
          if (kind === 'slot') {
            await timeAccesses(fixtures, { topic: 'buffered', rung, accesses: { slot: store } });
            continue;
          }
          const { results } = await guest.run((program) =>
            program.rdtsc().sample({ count: stores }, store).load(vga, 4).rdtsc(),
          );
          expect(results[2]?.value).toBe(0xcafe);
          const [before = 0, after = 0] = [results[0]?.value, results[3]?.value];
          await record(`buffered.store.${rung}`, results[1]?.samples ?? new Uint32Array());
          await record(`buffered.each.${rung}`, Float64Array.of(((after - before) >>> 0) / stores));
          const written = (await deviceModel.trace(server, stores + 1)).slice(0, -1);
          const fallbacks = written.filter(({ isBuffered }) => !isBuffered).length;
          expect(written).toHaveLength(stores);
          await record(`buffered.fallbacks.${rung}`, Float64Array.of(fallbacks), 'count');
        }
        await deviceModel.closeServer(server);
      }
    }
  },
);
