/**
 * # Background
 * A REP string instruction comes as few requests with `count` repetitions, `df` for its direction and, unless one value
 * is stored again and again, the guest-physical address of the data (`data_is_ptr`); the device model moves the data.
 *
 * # Method
 * REP INS, OUTS, MOVS and STOS inside one frame, up and down; the data in guest memory, the guest's registers and the
 * shape of each request are compared. Then REP INS from a port that nobody owns.
 *
 * # A broken Xen
 * or a broken library would step in the wrong direction, lose or double an element, or leave memory as it was.
 */
import { expect, HOLE_BELOW_4G, readTrace, scenario, SCRATCH } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import stream from '../string-io/stream.device.ts';

const count = 5;

scenario('REP moves data between guest memory and devices', async ({ guest, deviceModel }) => {
  const page = HOLE_BELOW_4G.start;
  const ram = SCRATCH.start + 0x200n;
  await deviceModel.attach(stream, { at: { data: 0x5100, sum: 0x5104 } });
  await deviceModel.attach(window, { at: { page: Number(page) } });
  const last = BigInt(4 * (count - 1));
  const seen = await guest.run((program) =>
    program
      .repIns({ port: 0x5100, size: 4, count, destination: ram })
      .repIns({ port: 0x5100, size: 2, count, backward: true, destination: ram + 0x100n + 8n })
      .repOuts({ port: 0x5100, size: 4, count, source: ram })
      .repMovs({ size: 4, count, source: ram, destination: page })
      .repMovs({ size: 4, count, backward: true, source: page + last, destination: ram + 0x200n + last })
      .repStos({ size: 8, count, destination: page + 0x100n, value: 0x1122334455667788n })
      .load(page + 0x120n, 8)
      .read(ram, 4 * count)
      .read(ram + 0x100n, 2 * count)
      .read(ram + 0x200n, 4 * count)
      .fill(ram + 0x300n, 16, 0)
      .repIns({ port: 0x5555, size: 4, count: 3, destination: ram + 0x300n })
      .read(ram + 0x300n, 16),
  );
  const bytes = seen.results.flatMap((result) => (result.bytes === undefined ? [] : [result.bytes]));
  expect(bytes[0]).toEqual(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0));
  expect(bytes[1]).toEqual(Uint8Array.of(10, 0, 9, 0, 8, 0, 7, 0, 6, 0));
  expect(bytes[2]).toEqual(bytes[0]);
  expect([...(bytes[3] ?? [])]).toEqual([...Array.from({ length: 12 }, () => 0xff), 0, 0, 0, 0]);
  expect(seen.results[6]?.rax).toBe(0x1122334455667788n);
  const repeated = [0, 1, 2, 3, 4, 5, 11];
  expect(repeated.map((i) => seen.results[i]?.rcx)).toEqual(repeated.map(() => 0n));
  expect(seen.results[1]?.rdi).toBe(ram + 0x100n - 2n);

  const { trace } = await deviceModel.closeServer();
  const shapes = readTrace(trace).filter(({ count }) => count > 1);
  expect(shapes).toMatchObject([
    { type: 0, isRead: true, size: 4, count, dataIsPointer: true, backwards: false, address: 0x5100n, data: ram },
    { type: 0, isRead: true, size: 2, count, dataIsPointer: true, backwards: true, data: ram + 0x108n },
    { type: 0, isRead: false, size: 4, count, dataIsPointer: true, data: ram },
    { type: 1, isRead: false, size: 4, count, dataIsPointer: true, address: page, data: ram },
    { type: 1, isRead: true, size: 4, count, dataIsPointer: true, backwards: true, address: page + last },
    { type: 1, isRead: false, size: 8, count, dataIsPointer: false, data: 0x1122334455667788n },
  ]);
});
