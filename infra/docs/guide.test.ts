import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { repository } from '../../harness/repository.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
// Inside the checkout: `ioreqlab/...` is found from there.
const directory = join(repository, 'build/guide');
const results = mkdtempSync(join(tmpdir(), 'ioreqlab-guide-'));
const files = new Map<string, string>();

beforeAll(() => {
  const guide = readFileSync(join(repository, 'docs/write-a-device.md'), 'utf8');
  for (const [, code = ''] of guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const name = /^\/\/ ([\w/.-]+\.ts)\b/.exec(code)?.[1];
    if (name !== undefined) files.set(name, code);
  }
  rmSync(directory, { recursive: true, force: true });
  for (const [name, code] of files) write(name, code);
});
afterAll(() => rmSync(results, { recursive: true }));

function write(name: string, code: string): void {
  const file = join(directory, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
}

const runTest = async (): Promise<{ stdout: string }> =>
  await run(process.execPath, ['--import', 'tsx', '--test', '--test-reporter', 'tap', 'adder/adder.test.ts'], {
    cwd: directory,
  });

const runScenario = async (): Promise<{ stdout: string }> =>
  await run(
    process.execPath,
    [
      ...[join(repository, 'harness/cli/bin.mjs'), 'run', 'adder', '--scenarios', directory],
      ...['--host', 'model-4.20', '--out', results],
    ],
    { cwd: directory },
  );

it('has a device, a test and a scenario', () => {
  expect([...files.keys()]).toEqual(['adder/adder.device.ts', 'adder/adder.test.ts', 'adder/adder.scenario.ts']);
});

it('has a test that passes, and does not when the device is wrong', async () => {
  const { stdout } = await runTest();
  expect(stdout).toMatch(/^# pass 1$/m);
  const device = files.get('adder/adder.device.ts') ?? '';
  const wrong = device.replace('+ byte', '- byte');
  expect(wrong).not.toBe(device);
  write('adder/adder.device.ts', wrong);
  await expect(runTest()).rejects.toMatchObject({ code: 1 });
  write('adder/adder.device.ts', device);
});

it('has a scenario that passes in each environment', async () => {
  const { stdout } = await runScenario();
  expect(stdout.match(/^pass {4}adder\/adder {2}environment=(hvm|pvh)/gm)).toHaveLength(2);
});
