/**
 * # Background
 * Xen keeps a copy of its request (v->io.req in xen/common/ioreq.c), and reads nothing of the slot but state and data: what a
 * device model makes of the other fields is lost.
 *
 * # Method
 * While a request is in flight each of its fields is changed: address, count, size, type, direction, data_is_ptr and df,
 * one at a time and all together. The guest must get the data that was given, in the width that it asked for.
 *
 * # A broken Xen
 * would fetch a field twice (XSA-155's and XSA-197's kind): write where it was asked to read, or repeat.
 */
import { expect, scenario, type FaultStep } from 'ioreqlab/scenario';
import { answered, oracle, page, port, ranges, usual } from './faulty.ts';

const changes = [
  { do: 'field', field: 'addr', value: 0xffff_ffff_ffff_fff8n },
  { do: 'field', field: 'count', value: 0xffff_ffffn },
  { do: 'field', field: 'size', value: 8n },
  { do: 'field', field: 'size', value: 0n },
  { do: 'field', field: 'type', value: 8n },
  { do: 'field', field: 'isRead', value: 0n },
  { do: 'field', field: 'dataIsPointer', value: 1n },
  { do: 'field', field: 'backwards', value: 1n },
] as const satisfies FaultStep[];

scenario('Xen knows what it has asked for', { oracle }, async ({ guest, deviceModel }) => {
  const each = [...changes.map((change) => [change]), changes].map((change, i) => [
    ...change,
    ...answered(0xffff_ffff_aabb_cc00n + BigInt(i)),
  ]);
  await deviceModel.misbehave({ ranges, scripts: [...each, ...each] });
  const seen = await guest.run((program) => {
    for (let i = 0; i < each.length; i++) program.in(port, i % 2 === 0 ? 4 : 2);
    for (let i = 0; i < each.length; i++) program.load(page + 8n, i % 2 === 0 ? 4 : 2);
    return program.in(port, 4);
  });
  const values = each.map((_, i) => (i % 2 === 0 ? 0xaabb_cc00 + i : 0xcc00 + i));
  expect(seen.results.map(({ value, fault }) => fault?.name ?? value)).toEqual([...values, ...values, usual]);
});
