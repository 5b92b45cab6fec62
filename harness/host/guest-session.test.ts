import { beforeEach, describe, expect, it } from 'vitest';
import { ProgramBuilder, WINDOW, windowAddress, type Program } from '../../guests/program/index.ts';
import { PROGRAM_HEADER } from '../../guests/program/format.ts';
import { StructView } from '../../guests/program/layout.ts';
import { encodeResults } from '../../guests/testing/encode-results.ts';
import type { GuestRequest } from '../../src/agent/protocol.ts';
import type { AgentReply } from './agent-connection.ts';
import { GuestSession } from './guest-session.ts';

const program: Program = new ProgramBuilder().in(0x5000, 4).build();
const empty: AgentReply = { result: {}, blobs: [] };

let asked: { request: GuestRequest; blobs: readonly Uint8Array[]; reply(reply: AgentReply | Error): void }[];
let guest: GuestSession;
beforeEach(() => {
  asked = [];
  const request = async (one: GuestRequest, blobs: readonly Uint8Array[] = []): Promise<AgentReply> =>
    await new Promise((resolve, reject) => {
      const reply = (answer: AgentReply | Error): void => (answer instanceof Error ? reject(answer) : resolve(answer));
      asked.push({ request: one, blobs, reply });
    });
  guest = new GuestSession({ request }, { name: 'hvm-1', domid: 3, environment: 'hvm', vcpus: 4 });
});

/** The question of that number, when it has been asked. */
async function question(number: number): Promise<(typeof asked)[number]> {
  await expect.poll(() => asked.length, { interval: 1 }).toBeGreaterThanOrEqual(number);
  return asked[number - 1] as (typeof asked)[number];
}

/** What a sound guest leaves after a question. */
function results({ blobs }: (typeof asked)[number], fill = 0x5a): AgentReply {
  const windows = blobs.map((blob, vcpu) => {
    const header = new StructView(PROGRAM_HEADER, new DataView(blob.buffer, blob.byteOffset), 0);
    return encodeResults(program, { sequence: header.get('sequence'), vcpu }, fill);
  });
  return { result: {}, blobs: windows };
}

describe('a guest', () => {
  it('runs a program on vCPU 0, in its window', async () => {
    const run = guest.run(program);
    expect(guest.isBusy).toBe(true);
    const one = await question(1);
    expect(one.request).toMatchObject({
      ...{ do: 'execute', guest: 'hvm-1', start: [0], writes: [windowAddress(0) + WINDOW.programOffset] },
      reads: [{ address: windowAddress(0) + WINDOW.resultOffset }],
    });
    one.reply(results(one));
    expect((await run).results[0]?.value).toBe(0x5a5a_5a5a);
    expect(guest.isBusy).toBe(false);
  });

  it('runs several at the same time, one on each vCPU', async () => {
    const run = guest.runAll([program, program, (builder) => builder.in(0x5000, 4)]);
    const one = await question(1);
    expect(one.request).toMatchObject({ start: [0, 1, 2] });
    one.reply(results(one));
    expect(await run).toHaveLength(3);
    for (const programs of [[], [program, program, program, program, program]]) {
      await expect(guest.runAll(programs)).rejects.toMatchObject({ blame: 'scenario', code: 'PROGRAM_INVALID' });
    }
  });

  it('runs one after the other what is started at once', async () => {
    const [first, second] = [guest.run(program), guest.run(program)];
    const one = await question(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toHaveLength(1);
    one.reply(results(one, 1));
    const two = await question(2);
    two.reply(results(two, 2));
    expect([(await first).results[0]?.value, (await second).results[0]?.value]).toEqual([0x0101_0101, 0x0202_0202]);
    expect(guest.isBusy).toBe(false);
  });

  it('is busy until it is done, whoever still waits', async () => {
    const controller = new AbortController();
    const run = guest.run(program, controller.signal);
    const one = await question(1);
    controller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    expect(guest.isBusy).toBe(true);
    one.reply(results(one));
    await expect.poll(() => guest.isBusy).toBe(false);
    await expect(guest.run(program, controller.signal)).rejects.toThrow('enough');
  });

  it('that is lost is busy for ever', async () => {
    const run = guest.run(program);
    (await question(1)).reply(new Error('gone'));
    await expect(run).rejects.toThrow('gone');
    expect(guest.isBusy).toBe(true);
  });

  it('does not take what another run has left for its own', async () => {
    const run = guest.run(program);
    const one = await question(1);
    one.reply({ result: {}, blobs: [encodeResults(program, { sequence: 1, vcpu: 0 })] });
    await expect(run).rejects.toMatchObject({ blame: 'guest', code: 'GUEST_RESULTS_INVALID' });
    const nothing = guest.run(program);
    (await question(2)).reply(empty);
    await expect(nothing).rejects.toMatchObject({ blame: 'guest' });
  });

  it('closes servers and brings back what they saw', async () => {
    const closing = guest.closeServers();
    const counters = {
      unclaimed: 1,
      badWidth: 0,
      misaligned: 0,
      malformed: 0,
      undecoded: 0,
      ringDamaged: 0,
      memoryMisses: 2,
      untold: 0,
      collections: 0,
    };
    const servers = [
      { server: 'main', xenId: 1, counters },
      { server: 'other', xenId: 2 },
    ];
    (await question(1)).reply({ result: { servers }, blobs: [Uint8Array.of(1), Uint8Array.of(2)] });
    expect(await closing).toEqual([
      { server: 'main', xenId: 1, counters, trace: Uint8Array.of(1) },
      { server: 'other', xenId: 2, counters: undefined, trace: Uint8Array.of(2) },
    ]);
  });

  it('asks for the rest as it is said', async () => {
    const calls = [
      guest.createServer('main', { buffered: 'atomic' }),
      guest.setWaiting('main', { mode: 'spin', cycles: 5 }),
      guest.attach('main', 'scratch', { initial: 1 }, { register: 0x5000 }),
      guest.attachReference('main', [0x5000], [0x1000]),
      guest.attachConstant('main', 7),
      guest.writeMemory(0x1000, Uint8Array.of(1)),
    ];
    await question(6);
    for (const one of asked) one.reply({ ...empty, result: { xenId: 2, device: 3 } });
    expect((await Promise.all(calls)).slice(0, 3)).toEqual([2, undefined, 3]);
    expect(asked.map(({ request }) => request)).toEqual([
      { do: 'createServer', guest: 'hvm-1', server: 'main', options: { buffered: 'atomic' } },
      { do: 'setWaiting', guest: 'hvm-1', server: 'main', waiting: { mode: 'spin', cycles: 5 } },
      {
        do: 'attach',
        guest: 'hvm-1',
        server: 'main',
        device: 'scratch',
        options: { initial: 1 },
        at: { register: 0x5000 },
      },
      { do: 'attachReference', guest: 'hvm-1', server: 'main', ports: [0x5000], addresses: [0x1000] },
      { do: 'attachConstant', guest: 'hvm-1', server: 'main', value: 7 },
      { do: 'writeMemory', guest: 'hvm-1', address: 0x1000 },
    ]);
    expect(asked[5]?.blobs).toEqual([Uint8Array.of(1)]);
    const reading = guest.readMemory(0x1000, 2);
    (await question(7)).reply({ result: {}, blobs: [Uint8Array.of(7, 8)] });
    expect(await reading).toEqual(Uint8Array.of(7, 8));
  });
});
