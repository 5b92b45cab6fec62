/**
 * # Background
 * PUSH and POP of memory are two accesses: a read and a write, one of which is the stack's (0xff /6 and 0x8f in
 * xen/arch/x86/x86_emulate/x86_emulate.c). XLAT reads a byte at RBX plus AL.
 *
 * # Method
 * PUSH and POP of a device's memory with the stack in RAM, and in another server's device; XLAT over all of a table of 256
 * bytes in steps.
 *
 * # A broken Xen
 * would swap read and write, leave RSP, or take AL with its sign.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const device = HOLE_BELOW_4G.start + 0x1f_0000n;
const stack = HOLE_BELOW_4G.start + 0x20_0800n;
const ram = SCRATCH.start + 0xc_0000n;
const value = 0x1817_1615_1413_1211n;

scenario('PUSH and POP of memory, XLAT', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(device) } });
  await deviceModel.attach('ramWindow', { server: 'stack', at: { window: Number(stack) & ~0xfff } });
  const program = new ProgramBuilder().store(device, 8, value);
  const push = code('ff 33');
  const pop = code('8f 43 10');
  for (const rsp of [ram, stack]) {
    program
      .raw(push, { registers: { rbx: device, rsp } })
      .load(rsp - 8n, 8)
      .raw(pop, { registers: { rbx: device, rsp: rsp - 8n } })
      .load(device + 0x10n, 8)
      .store(device + 0x10n, 8, 0)
      .raw(code('66 ff 33'), { registers: { rbx: device, rsp } })
      .raw(code('66 8f 43 10'), { registers: { rbx: device, rsp: rsp - 2n } })
      .load(device + 0x10n, 8)
      .store(device + 0x10n, 8, 0);
  }
  const table = device + 0x100n;
  for (let i = 0n; i < 256n; i += 51n) program.store(table + i, 1, 0xf0n - i / 3n);
  for (let i = 0n; i < 256n; i += 51n) program.raw(code('d7'), { registers: { rbx: table, rax: 0x7777_0000n + i } });
  const seen = await guest.run(program.build());
  const loads = seen.results.flatMap(({ op, rax }) => (op === 'load' ? [rax] : []));
  expect(loads).toEqual([value, value, 0x1211n, value, value, 0x1211n]);
  const after = seen.results.flatMap(({ registers }) => (registers === undefined ? [] : [registers.gpr]));
  const moved = [ram, stack].flatMap((rsp) => [rsp - 8n, rsp, rsp - 2n, rsp]);
  expect(after.slice(0, 8).map(({ rsp }) => rsp)).toEqual(moved);
  expect(after.slice(8).map(({ rax }) => rax)).toEqual(
    [0xf0n, 0xdfn, 0xcen, 0xbdn, 0xacn, 0x9bn].map((al) => 0x7777_0000n + al),
  );
  expect(requestsOf(await deviceModel.trace('stack'))).toEqual(['w8', 'r8', 'r8', 'w2', 'r2']);
  await expect(seen).toMatchOracle();
});
