import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { fakeGuest, FakeXen } from './fake/fake-xen.ts';

vi.setConfig({ testTimeout: 60_000 });

const xen = new FakeXen();
const user = 0x7000_0007;
const isRoot = process.getuid?.() === 0;

/** Restricting is for good: each time in a process of its own. @returns what the code prints, as JSON */
function inProcess(code: string): unknown {
  const script = `
    const fake = require(${JSON.stringify(xen.file)});
    const addon = require(${JSON.stringify(xen.addonFile)});
    const code = (call) => { try { call(); return 'done'; } catch (error) { return error.code + ' ' + (error.call ?? ''); } };
    const say = (value) => require('fs').writeSync(1, JSON.stringify(value));
    addon.open(${fakeGuest.domid}, ${fakeGuest.vcpus});
    ${code}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

describe.runIf(isRoot)('a restricted process', () => {
  it('is nobody, and serves with the handles that it has', () => {
    const seen = inProcess(`
      const before = addon.createServer();
      addon.restrictProcess(${user}, 3);
      const [a, b, c] = [1, 2, 3].map(() => addon.createServer());
      for (const server of [before, a, b, c]) addon.enableServer(server, false);
      const fourth = code(() => addon.createServer());
      for (const server of [a, b]) addon.closeServer(server);
      const again = addon.createServer();
      addon.enableServer(again, false);
      const ids = [process.getuid(), process.geteuid(), process.getgid(), process.getgroups().length];
      say([ids, fourth, new Uint32Array(fake.held())[1]]);`);
    expect(seen).toEqual([[user, user, user, expect.any(Number)], 'ENFILE xenevtchn_open', 3]);
  });

  it('cannot become root again, nor do what only root may, in none of its threads', () => {
    const attempts = `
      const code = (call) => { try { call(); return 'done'; } catch (error) { return error.code; } };
      const attempts = () => [
        code(() => require('fs').openSync('/etc/shadow')),
        code(() => process.kill(1, 0)),
        process.getuid(),
      ];`;
    const seen = inProcess(`
      ${attempts.replace('const code', 'const ignored')}
      const { Worker } = require('worker_threads');
      const worker = new Worker(${JSON.stringify(`${attempts}
        const { parentPort } = require('worker_threads');
        parentPort.once('message', () => parentPort.postMessage(attempts()));`)}, { eval: true });
      worker.once('online', () => {
        addon.restrictProcess(${user}, 1);
        worker.postMessage('now');
      });
      worker.once('message', (inWorker) => {
        const probe = addon.probePrivilege(9, 0);
        say([inWorker, [probe.setuid, probe.kill]]);
        process.exit();
      });`);
    const EPERM = 1;
    // A worker has no setuid; what only root may read is refused there.
    expect(seen).toEqual([
      ['EACCES', 'EPERM', user],
      [EPERM, EPERM],
    ]);
  });

  it('gains nothing by starting a program that is setuid, when who started it has said so', () => {
    const status = `
      const { readFileSync } = require('fs');
      require('fs').writeSync(1, JSON.stringify(/NoNewPrivs:\\s*(\\d)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));`;
    const seen = inProcess(`
      addon.noNewPrivileges();
      const child = require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(status)}], { encoding: 'utf8' });
      say(JSON.parse(child.stdout));`);
    expect(seen).toBe('1');
  });

  it('keeps its limits', () => {
    const seen = inProcess(`
      addon.restrictProcess(${user}, 1);
      say(process.report.getReport().userLimits);`);
    expect(seen).toMatchObject({ core_file_size_blocks: { hard: 0 }, file_size_blocks: { hard: 0 } });
  });

  it('is not one when Xen or the kernel says no', () => {
    for (const [call, what] of [
      ['xentoolcore_restrict_all', 'xentoolcore_restrict_all'],
      ['xenevtchn_open', 'xenevtchn_open'],
      ['xenevtchn_bind_interdomain', 'xenevtchn_bind_interdomain'],
    ]) {
      const seen = inProcess(`
        fake.failNext(${JSON.stringify(call)}, 13, 1);
        say([code(() => addon.restrictProcess(${user}, 2)), process.getuid()]);`);
      expect(seen).toEqual([`EACCES ${what}`, 0]);
    }
  });
});

it('restrictProcess needs a guest', () => {
  expect(() => xen.addon.restrictProcess(user, 1)).toThrow(/open\(\) was not called/);
});
