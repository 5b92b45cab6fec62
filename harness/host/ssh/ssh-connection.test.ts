import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LabError } from '../../../src/errors.ts';
import type { SshTarget } from '../ssh-target.ts';
import { SshConnection } from './ssh-connection.ts';
import { TestSshd } from './testing/test-sshd.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await TestSshd.start();
});
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** Why a connection could not be had. */
async function refusal(changes: Partial<SshTarget>, signal?: AbortSignal): Promise<LabError> {
  return await SshConnection.open({ ...sshd.target, ...changes }, signal).then(
    async (ssh) => {
      await ssh[Symbol.asyncDispose]();
      return expect.fail('it connected');
    },
    (error: unknown) => error as LabError,
  );
}

describe('connecting', () => {
  it('accepts the pinned host key, also as one of several', async () => {
    sshd.makeKey('unused', 'ecdsa');
    const hostKeys = [sshd.publicKey('unused'), `${sshd.publicKey('host')}  `];
    await using ssh = await SshConnection.open({ ...sshd.target, hostKeys });
    expect((await ssh.run(['true'])).code).toBe(0);
  });

  it('accepts a pinned RSA key, whose signatures have other names than the key', async () => {
    await using rsa = await TestSshd.start('rsa');
    expect(rsa.publicKey('host')).toMatch(/^ssh-rsa /);
    await using ssh = await SshConnection.open(rsa.target);
    expect((await ssh.run(['true'])).code).toBe(0);
  });

  it('refuses any other host key, and shows both', async () => {
    sshd.makeKey('other');
    const error = await refusal({ hostKeys: [sshd.publicKey('other')] });
    expect(error).toMatchObject({ blame: 'host', code: 'HOST_KEY_MISMATCH', next: expect.stringContaining('pin') });
    expect(error.message.match(/SHA256:[A-Za-z0-9+/]{43}/g)).toHaveLength(2);
    sshd.makeKey('elliptic', 'ecdsa');
    expect(await refusal({ hostKeys: [sshd.publicKey('elliptic')] })).toMatchObject({
      ...{ code: 'HOST_KEY_MISMATCH', message: expect.stringContaining('no host key of the pinned type') },
    });
  });

  it('says when the host does not let the user in', async () => {
    const privateKeyFile = sshd.makeKey('stranger');
    const error = await refusal({ privateKeyFile });
    expect(error).toMatchObject({ blame: 'host', code: 'HOST_AUTHENTICATION' });
    expect(error.message).toContain(privateKeyFile);
    expect(await refusal({ user: 'nobody-of-that-name' })).toMatchObject({ code: 'HOST_AUTHENTICATION' });
  });

  it('says when the private key is not there, is locked, or is none', async () => {
    const nonsense = join(sshd.directory, 'nonsense');
    writeFileSync(nonsense, 'no key');
    for (const [privateKeyFile, why] of [
      [join(sshd.directory, 'absent'), /ENOENT/],
      [sshd.makeKey('locked', 'ed25519', 'secret'), /passphrase/],
      [nonsense, /Unsupported key format/],
    ] as const) {
      expect(await refusal({ privateKeyFile })).toMatchObject({
        ...{ blame: 'usage', code: 'KEY_UNREADABLE', message: expect.stringMatching(why) },
        next: expect.stringContaining(privateKeyFile) as string,
      });
    }
  });

  it('says when nobody listens, or something that is no sshd', async () => {
    const reaction = { do: (socket: Socket): unknown => socket.destroy() };
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      reaction.do(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const unreachable = { blame: 'host', code: 'HOST_UNREACHABLE' };
    expect(await refusal({ port })).toMatchObject(unreachable);
    reaction.do = (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await refusal({ port })).toMatchObject(unreachable);
    reaction.do = (socket) => socket.end('SSH-2.0-x\r\n');
    expect(await refusal({ port })).toMatchObject(unreachable);
    reaction.do = (socket) => socket.write(Buffer.alloc(100_000, 0x41));
    expect(await refusal({ port })).toMatchObject(unreachable);
    await new Promise((resolve) => server.close(resolve));
    expect(await refusal({ port })).toMatchObject({
      ...unreachable,
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('can be given up at any time', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const controller = new AbortController();
    const refused = refusal({ port }, controller.signal);
    silent.once('connection', () => controller.abort(new Error('enough')));
    expect(await refused).toMatchObject({ message: 'enough' });
    expect(await refusal({}, AbortSignal.abort(new Error('too late')))).toMatchObject({ message: 'too late' });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('through another host', () => {
  it('commands run on the far one, and both connections end', async () => {
    await using far = await TestSshd.start();
    const ssh = await SshConnection.open({ ...far.target, jump: sshd.target });
    expect((await ssh.run(['sh', '-c', 'echo "$SSH_CONNECTION"'])).stdout.trim()).toMatch(new RegExp(` ${far.port}$`));
    await ssh[Symbol.asyncDispose]();
    expect(await ssh.closed).toBeUndefined();
    await expect.poll(() => [far.connections, sshd.connections]).toEqual([0, 0]);
  });

  it('may be the same one', async () => {
    await using ssh = await SshConnection.open({ ...sshd.target, jump: sshd.target });
    expect((await ssh.run(['echo', 'twice'])).stdout).toBe('twice\n');
  });

  it('the host key of the far one is checked, and nothing stays open', async () => {
    sshd.makeKey('far');
    expect(await refusal({ hostKeys: [sshd.publicKey('far')], jump: sshd.target })).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
    });
    expect(await refusal({ port: 1, jump: sshd.target })).toMatchObject({
      ...{ code: 'HOST_UNREACHABLE', message: expect.stringMatching(/^127\.0\.0\.1:1 through 127\.0\.0\.1 cannot/) },
    });
    await expect.poll(() => sshd.connections).toBe(0);
  });

  it('the loss of the one in between is the loss of both', async () => {
    await using far = await TestSshd.start();
    await using ssh = await SshConnection.open({ ...far.target, jump: sshd.target });
    sshd.kill();
    expect(await ssh.closed).toBeInstanceOf(Error);
    await expect(ssh.run(['true'])).rejects.toMatchObject({ code: 'HOST_LOST' });
  });
});

describe('a shell on a terminal', () => {
  it('has the size that was asked for', async () => {
    await using ssh = await SshConnection.open(sshd.target);
    const channel = await ssh.shell({ term: 'vt100', rows: 7, cols: 31 });
    channel.end('stty size; exit\n');
    expect(await text(channel)).toContain('7 31');
  });
});
