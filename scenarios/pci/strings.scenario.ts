/**
 * # Background
 * INS and OUTS on 0xcfc are configuration cycles like others, and a batch of REP is one request with a count and the
 * address of the data, all of whose repetitions mean the same register (ioreq_server_get_type_addr changes type and address
 * only). The latch is not a register of the batch: what a batch to 0xcf8 writes is kept one repetition at a time.
 *
 * # Method
 * A function of a device that gives its number of reads; batches from and to 0xcfc of every width, upwards and downwards,
 * to an owner and to nobody.
 *
 * # A broken Xen
 * would count the register up, split the batch into cycles of the plain port, or leave memory untouched where nobody owns the
 * function.
 */
import { expect, pciFunction, scenario, SCRATCH } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('batches of configuration cycles', async ({ guest, deviceModel }) => {
  await deviceModel.attach('pciTest', { server: 'main', at: { function: '00:1c.0' } });
  await deviceModel.attachConstant({ server: 'constant', value: 0 });
  await deviceModel.mapRanges('constant', pciFunction('00:1b.0'));
  const memory = SCRATCH.start + 0x400n;
  const seen = await guest.run((program) => {
    program.fill(memory, 0x100, 0x5a);
    program.out(0xcf8, 4, configAddress({ device: 0x1c }));
    program.repIns({ size: 4, count: 3, port: 0xcfc, destination: memory });
    program.repIns({ size: 2, count: 3, port: 0xcfe, destination: memory + 0x20n, backward: true });
    program.repIns({ size: 1, count: 1, port: 0xcfd, destination: memory + 0x30n });
    program.ins({ size: 4, port: 0xcfc, destination: memory + 0x34n });
    program.read(memory, 0x40);
    program.out(0xcf8, 4, configAddress({ device: 0x1b }, 0x80));
    for (const size of [1, 2, 4] as const) {
      program.repOuts({ size, count: 5, port: 0xcfc, source: memory });
      program.repOuts({ size, count: 5, port: 0xcfc, source: memory + 0x40n, backward: true });
    }
    program.out(0xcf8, 4, configAddress({ device: 0x1a }));
    program.repIns({ size: 4, count: 4, port: 0xcfc, destination: memory + 0x80n });
    return program.read(memory + 0x80n, 0x14);
  });
  const bytes = seen.results.filter(({ op }) => op === 'read').map((result) => Buffer.from(result.bytes ?? []));
  const id = Buffer.from([0x36, 0x1b, 0x05, 0x00]);
  expect(bytes[0]?.subarray(0, 16)).toEqual(Buffer.concat([id, id, id, Buffer.alloc(4, 0x5a)]));
  expect(bytes[0]?.subarray(0x1a, 0x24).toString('hex')).toBe('5a5a0500050005005a5a');
  expect(bytes[0]?.subarray(0x30, 0x38).toString('hex')).toBe('1b5a5a5a361b0500');
  expect(bytes[1]?.toString('hex')).toBe('ff'.repeat(16) + '5a'.repeat(4));
  await expect(seen).toMatchOracle();
  const counts = (await deviceModel.trace('constant')).map(({ size, count, backwards }) => [size, count, backwards]);
  expect(counts).toEqual([1, 2, 4].flatMap((size) => [false, true].map((backwards) => [size, 5, backwards])));
});
