import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { explainQemuFailure, forwardedPort, qemuCommand, qemuVersion } from './qemu.ts';
import { SpawnedProcess } from './spawned-process.ts';

describe('with a QEMU that emulates nothing', () => {
  let qemu: SpawnedProcess;

  beforeEach(async () => {
    const words = ['-machine', 'none', '-S', '-nodefaults', '-display', 'none', '-chardev', 'socket,id=qmp,fd=3'];
    const network = ['-netdev', 'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22'];
    qemu = await SpawnedProcess.start(qemuCommand, [...words, '-mon', 'chardev=qmp,mode=control', ...network], {
      descriptors: ['pipe'],
    });
  });
  afterEach(async () => await qemu[Symbol.asyncDispose]());

  test('commands are answered, also several at once', async () => {
    using qmp = await QmpClient.open(qemu.connection(0));
    const [status, version] = await Promise.all([qmp.execute('query-status'), qmp.execute('query-version')]);
    expect(status).toMatchObject({ running: false });
    expect(version).toMatchObject({ qemu: { major: expect.any(Number) } });
  });

  test("a refused command throws QEMU's words", async () => {
    using qmp = await QmpClient.open(qemu.connection(0));
    await expect(qmp.execute('no-such-command')).rejects.toMatchObject({
      code: 'QMP_ERROR',
      message: expect.stringContaining('no-such-command'),
    });
    expect(await qmp.execute('query-status')).toMatchObject({ running: false });
  });

  test('events arrive', async () => {
    using qmp = await QmpClient.open(qemu.connection(0));
    const seen = qmp.event(({ event }) => event === 'SHUTDOWN', AbortSignal.timeout(10_000));
    await Promise.all([qmp.execute('quit'), seen]);
    expect(await seen).toMatchObject({ event: 'SHUTDOWN', data: { guest: false } });
    expect(await qemu.exited).toEqual({ code: 0, signal: null });
  });

  test('waiting for an event that never comes ends with the signal', async () => {
    using qmp = await QmpClient.open(qemu.connection(0));
    await expect(qmp.event(() => false, AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('when QEMU dies, everything that waits fails', async () => {
    using qmp = await QmpClient.open(qemu.connection(0));
    const waiting = qmp.event(() => false, AbortSignal.timeout(10_000));
    qemu.kill();
    await expect(waiting).rejects.toMatchObject({ code: 'QMP_LOST' });
    await expect(qmp.execute('query-status')).rejects.toMatchObject({ code: 'QMP_LOST' });
  });

  test('QEMU tells which port it has chosen', async () => {
    using qmp = await QmpClient.open(qemu.connection(0));
    expect(await forwardedPort(qmp)).toBeGreaterThan(1023);
  });
});

test('what is no QMP is refused', async () => {
  const stream = new PassThrough();
  stream.write('SSH-2.0-OpenSSH\n');
  await expect(QmpClient.open(stream)).rejects.toMatchObject({ code: 'QMP_ERROR' });
});

test('opening gives up with the signal', async () => {
  await expect(QmpClient.open(new PassThrough(), AbortSignal.timeout(20))).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});

test('the version is known without a machine', async () => {
  expect(await qemuVersion()).toMatch(/^\d+\.\d+/);
});

test('a port that is taken is a matter of usage', () => {
  const words = "qemu: -netdev user,...: Could not set up host forwarding rule 'tcp:127.0.0.1:2222-:22'";
  expect(explainQemuFailure(words, 2222)).toMatchObject({
    blame: 'usage',
    code: 'PORT_TAKEN',
    message: expect.stringContaining('2222'),
  });
  expect(explainQemuFailure('', 0)).toMatchObject({ blame: 'host', code: 'QEMU_FAILED' });
});
