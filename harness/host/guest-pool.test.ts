import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CONTROL_PORT } from '../../guests/program/index.ts';
import type { Request } from '../../src/agent/protocol.ts';
import type { AgentReply } from './agent-connection.ts';
import { GuestPool } from './guest-pool.ts';

let asked: Request[];
let answers: ((answer: number | Error) => void)[];
let pool: GuestPool;
beforeEach(() => {
  [asked, answers] = [[], []];
  const request = async (one: Request): Promise<AgentReply> => {
    asked.push(one);
    if (one.do !== 'createGuest') return { result: {}, blobs: [] };
    return await new Promise((resolve, reject) => {
      answers.push((answer) =>
        typeof answer === 'number' ? resolve({ result: { domid: answer }, blobs: [] }) : reject(answer),
      );
    });
  };
  pool = new GuestPool({ request }, '/lab/workload.elf', '1-3');
});

describe('the guests of a host', () => {
  it('are made once for each environment', async () => {
    const [first, second, other] = [pool.acquire('hvm'), pool.acquire('hvm'), pool.acquire('pvh')];
    answers.forEach((answer, i) => answer(3 + i));
    expect(await first).toEqual({ name: 'hvm-1', environment: 'hvm', vcpus: 4, domid: 3 });
    expect(await second).toEqual(await first);
    expect(await other).toEqual({ name: 'pvh-2', environment: 'pvh', vcpus: 4, domid: 4 });
    expect(await pool.acquire('pvh')).toEqual(await other);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toEqual({
      ...{ do: 'createGuest', guest: 'hvm-1', environment: 'hvm', vcpus: 4, memoryMiB: 64 },
      ...{ kernel: '/lab/workload.elf', cpus: '1-3', controlPort: CONTROL_PORT },
    });
  });

  it('are tried again when they could not be made', async () => {
    const first = pool.acquire('hvm');
    answers[0]?.(new Error('no memory'));
    await expect(first).rejects.toThrow('no memory');
    const second = pool.acquire('hvm');
    answers[1]?.(5);
    expect(await second).toMatchObject({ name: 'hvm-2', domid: 5 });
  });

  it('are made anew after they were discarded', async () => {
    const first = pool.acquire('hvm');
    answers[0]?.(3);
    await first;
    await pool.discard('hvm-1');
    expect(asked.at(-1)).toEqual({ do: 'destroyGuest', guest: 'hvm-1' });
    const second = pool.acquire('hvm');
    answers[1]?.(4);
    expect(await second).toMatchObject({ name: 'hvm-2' });
  });

  it('are ended for one that wants to be alone, those still being made too, and made again later', async () => {
    const [gone, kept] = [pool.acquire('hvm'), pool.acquire('hvm', 1)];
    void pool.acquire('pvh').catch(() => undefined);
    answers[0]?.(3);
    answers[1]?.(4);
    await Promise.all([gone, kept]);
    const alone = pool.acquire('hvm', 1, true);
    answers[2]?.(5);
    expect(await alone).toMatchObject({ name: 'hvm-2', domid: 4 });
    const destroyed = (): unknown[] => asked.filter((one) => one.do === 'destroyGuest').map(({ guest }) => guest);
    expect(destroyed()).toEqual(['hvm-1', 'pvh-3']);
    const again = pool.acquire('hvm');
    answers[3]?.(6);
    expect(await again).toMatchObject({ name: 'hvm-4', domid: 6 });
    expect(destroyed()).toHaveLength(2);
  });

  it('that could not be made keep nobody from being alone', async () => {
    const failed = pool.acquire('hvm');
    const alone = pool.acquire('pvh', 1, true);
    answers[0]?.(new Error('no memory'));
    await expect(failed).rejects.toThrow('no memory');
    await vi.waitUntil(() => answers.length === 2);
    answers[1]?.(4);
    expect(await alone).toMatchObject({ name: 'pvh-2' });
    expect(asked.map((one) => one.do)).toEqual(['createGuest', 'createGuest']);
  });

  it('are not given out again when they died, although another is still being made', async () => {
    void pool.acquire('hvm').catch(() => undefined);
    const pvh = pool.acquire('pvh');
    answers[1]?.(4);
    await pvh;
    pool.hear({ event: 'guestGone', guest: 'pvh-2', reason: 'crash' });
    const again = pool.acquire('pvh');
    answers[2]?.(5);
    expect(await again).toMatchObject({ name: 'pvh-3', domid: 5 });
    pool.hear({ event: 'deviceModelGone', guest: 'pvh-3', how: 'SIGSEGV' });
    pool.hear({ event: 'guestGone', guest: 'pvh-2', reason: 'crash' });
    pool.hear({ event: 'log', level: 'info', message: 'pvh-3' });
    const third = pool.acquire('pvh');
    answers[3]?.(6);
    expect(await third).toMatchObject({ name: 'pvh-4', domid: 6 });
  });
});
