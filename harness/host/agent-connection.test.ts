import { once } from 'node:events';
import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeFrame, FrameReader, type Frame } from '../../src/agent/frames.ts';
import type { AgentEvent } from '../../src/agent/protocol.ts';
import { AgentConnection } from './agent-connection.ts';

interface Asked {
  readonly id: number;
  readonly request: string;
}

let connection: AgentConnection<string>;
let channel: Duplex;
let far: Duplex;
let stderr: PassThrough;
let asked: { header: Asked; blobs: readonly Uint8Array[] }[];
beforeEach(() => {
  [channel, far] = duplexPair();
  stderr = new PassThrough();
  connection = new AgentConnection<string>(channel, 'lab-1', stderr);
  asked = [];
  const reader = new FrameReader();
  far.on('data', (chunk: Buffer) => asked.push(...(reader.push(chunk) as typeof asked)));
});

function say(header: unknown, blobs: readonly Uint8Array[] = []): void {
  far.write(encodeFrame({ header, blobs } satisfies Frame));
}

/** What is asked next. */
async function question(count = 1): Promise<Asked> {
  await vi.waitUntil(() => asked.length >= count);
  return (asked[count - 1] as (typeof asked)[number]).header;
}

describe('a connection to an agent', () => {
  it('gives every question its own answer, in whatever order they come', async () => {
    const replies = Promise.all(['a', 'b', 'c'].map(async (request) => await connection.request(request)));
    await question(3);
    for (const { header } of asked.toReversed()) {
      say({ id: header.id, ok: true, result: `${header.request}!` }, [Uint8Array.of(header.id)]);
    }
    expect(await replies).toEqual([0, 1, 2].map((id) => ({ result: `${'abc'[id]}!`, blobs: [Uint8Array.of(id)] })));
  });

  it('sends blobs along', async () => {
    void connection.request('x', [Uint8Array.of(1, 2), new Uint8Array()]).catch(() => undefined);
    await question();
    expect(asked[0]?.blobs).toEqual([Uint8Array.of(1, 2), new Uint8Array()]);
  });

  it('throws what the agent answered', async () => {
    const reply = connection.request('x');
    const { id } = await question();
    say({ id, ok: false, error: { blame: 'guest', code: 'GUEST_GONE', message: 'crashed', next: 'look' } });
    await expect(reply).rejects.toMatchObject({ blame: 'guest', code: 'GUEST_GONE', message: 'crashed', next: 'look' });
  });

  it('tells events to those who listen, and goes on when an answer comes that nobody waits for', async () => {
    const heard: AgentEvent[] = [];
    const stop = connection.onEvent((event) => heard.push(event));
    const event: AgentEvent = { event: 'guestGone', guest: 'hvm-1', reason: 'crash' };
    say(event);
    say({ id: 99, ok: true, result: 0 });
    await vi.waitUntil(() => heard.length === 1);
    stop();
    say(event);
    const reply = connection.request('x');
    say({ id: (await question()).id, ok: true, result: 1 });
    expect(await reply).toMatchObject({ result: 1 });
    expect(heard).toEqual([event]);
  });

  it('waits no longer than its caller, and keeps nothing of it', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const [add, remove] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    const reply = connection.request('slow', [], signal);
    const { id } = await question();
    controller.abort(new Error('enough'));
    await expect(reply).rejects.toThrow('enough');
    say({ id, ok: true, result: 'late' });
    await expect(connection.request('x', [], signal)).rejects.toThrow('enough');
    const answered = new AbortController();
    const [added, removed] = [
      vi.spyOn(answered.signal, 'addEventListener'),
      vi.spyOn(answered.signal, 'removeEventListener'),
    ];
    const quick = connection.request('quick', [], answered.signal);
    say({ id: (await question(2)).id, ok: true, result: 1 });
    expect(await quick).toMatchObject({ result: 1 });
    expect([add, added].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    expect(removed.mock.calls.length + remove.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(1);
  });

  it('that ends says why to all who wait, with the last words of the other side, and to all who come later', async () => {
    stderr.write('agent: cannot allocate memory\n');
    const replies = [connection.request('a'), connection.request('b')];
    await question(2);
    far.destroy();
    channel.destroy();
    for (const reply of [...replies, connection.request('c')]) {
      await expect(reply).rejects.toMatchObject({
        ...{ blame: 'host', code: 'AGENT_LOST', evidence: 'agent: cannot allocate memory' },
        message: expect.stringMatching(/^the agent on lab-1 is gone: .*\nagent: cannot allocate memory$/) as string,
        next: expect.stringContaining('host check') as string,
      });
    }
  });

  for (const [what, bytes] of [
    ['no frame', Buffer.alloc(8, 0xff)],
    ['no reply', encodeFrame({ header: { hello: 'world' }, blobs: [] })],
    ['no JSON', Buffer.from([9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x7b])],
  ] as const) {
    it(`is over when the other side sends ${what}`, async () => {
      const reply = connection.request('x');
      far.write(bytes);
      await expect(reply).rejects.toMatchObject({
        ...{ code: 'AGENT_LOST', message: expect.stringContaining('the agent sent nonsense') as string },
      });
      expect(channel.destroyed).toBe(true);
    });
  }

  it('refuses what does not fit into a message, and goes on', async () => {
    const blobs = Array.from({ length: 5000 }, () => new Uint8Array());
    await expect(connection.request('x', blobs)).rejects.toThrow(RangeError);
    const reply = connection.request('y');
    say({ id: (await question()).id, ok: true, result: 1 });
    expect(await reply).toMatchObject({ result: 1 });
  });

  it('that we end lets the other side end first', async () => {
    const ending = connection[Symbol.asyncDispose]();
    await once(far, 'end');
    far.end();
    await ending;
    await expect(connection.request('x')).rejects.toMatchObject({ code: 'AGENT_LOST' });
    await connection[Symbol.asyncDispose]();
  });

  it('that we end is cut when the other side does not end', async () => {
    vi.useFakeTimers();
    const ending = connection[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(20_000);
    vi.useRealTimers();
    await ending;
    expect(channel.destroyed).toBe(true);
  });
});
