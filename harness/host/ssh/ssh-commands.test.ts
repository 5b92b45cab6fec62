import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SshConnection } from './ssh-connection.ts';
import { TestSshd } from './testing/test-sshd.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let sshd: TestSshd;
let ssh: SshConnection;
beforeAll(async () => {
  sshd = await TestSshd.start();
  ssh = await SshConnection.open(sshd.target);
});
afterAll(async () => {
  await ssh[Symbol.asyncDispose]();
  await sshd[Symbol.asyncDispose]();
});

const shell = (script: string): readonly string[] => ['sh', '-c', script];

describe('a command', () => {
  it('leaves its exit code and what it printed, apart', async () => {
    expect(await ssh.run(shell('echo out; echo err >&2; exit 7'))).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await ssh.run(['/no/such/program'])).toMatchObject({ code: 127, stdout: '' });
  });

  it('that a signal ended has no exit code', async () => {
    expect(await ssh.run(shell('echo before; kill -9 $$'))).toMatchObject({ code: null, stdout: 'before\n' });
  });

  it('gets its words as they are', async () => {
    const words = [
      '',
      ' ',
      "it's",
      '$HOME',
      '`id`',
      'a\nb',
      '*',
      '\\',
      '"',
      '~',
      '-n',
      'é€😀',
      'A=b',
      '#',
      '!!',
      ';',
      '&',
    ];
    const { stdout } = await ssh.run(['printf', '%s\\0', ...words]);
    expect(stdout.split('\0').slice(0, -1)).toEqual(words);
    expect((await ssh.run(['A=b'])).code).toBe(127);
  });

  it('may print a lot, but not too much; then it is ended', async () => {
    const { stdout } = await ssh.run(shell('head -c 5000000 /dev/zero'));
    expect(stdout.length).toBe(5_000_000);
    await expect(ssh.run(shell('echo $$ > "$0"; yes'), undefined)).rejects.toMatchObject({
      ...{ blame: 'host', code: 'TOO_MUCH_OUTPUT', message: 'sh printed more than 16777216 bytes on 127.0.0.1' },
    });
    expect((await ssh.run(['echo', 'well'])).stdout).toBe('well\n');
  });

  it('can be given up, before and while it runs', async () => {
    await expect(ssh.run(['true'], AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
    const controller = new AbortController();
    const running = ssh.run(['cat'], controller.signal);
    await ssh.run(['true']);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect((await ssh.run(['true'])).code).toBe(0);
  });

  it('that is started has its streams', async () => {
    const channel = await ssh.start(['tr', 'a-z', 'A-Z']);
    channel.end('some text');
    expect(await text(channel)).toBe('SOME TEXT');
  });

  it('runs beside others', async () => {
    const codes = await Promise.all([3, 1, 2].map(async (code) => (await ssh.run(shell(`exit ${code}`))).code));
    expect(codes).toEqual([3, 1, 2]);
  });
});

describe('files', () => {
  it('are transferred', async () => {
    const sftp = await ssh.sftp();
    const file = `${sshd.directory}/transferred`;
    await new Promise((resolve, reject) => {
      sftp.createWriteStream(file, { mode: 0o640 }).on('close', resolve).on('error', reject).end('contents');
    });
    sftp.end();
    expect(await ssh.run(['stat', '-c', '%a %s', file])).toMatchObject({ stdout: '640 8\n' });
  });
});

describe('a connection', () => {
  it('that is killed is told of, and so are the commands on it, now and later', async () => {
    await using own = await TestSshd.start();
    await using lost = await SshConnection.open(own.target);
    const running = lost.run(['cat']);
    const outcome = expect(running).rejects.toMatchObject({
      ...{ blame: 'host', code: 'HOST_LOST', message: expect.stringContaining('while cat ran') },
    });
    await lost.run(['true']);
    own.kill();
    await outcome;
    expect(await lost.closed).toBeInstanceOf(Error);
    for (const attempt of [
      lost.run(['true']),
      lost.start(['true']),
      lost.sftp(),
      lost.shell({ term: 'vt100', rows: 1, cols: 1 }),
    ]) {
      await expect(attempt).rejects.toMatchObject({ blame: 'host', code: 'HOST_LOST' });
    }
  });

  it('that we end is no loss, and may be ended twice', async () => {
    const own = await SshConnection.open(sshd.target);
    await own[Symbol.asyncDispose]();
    await own[Symbol.asyncDispose]();
    expect(await own.closed).toBeUndefined();
    await expect(own.run(['true'])).rejects.toMatchObject({ code: 'HOST_LOST' });
  });
});
