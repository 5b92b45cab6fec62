import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cli } from '../e2e/cli.ts';
import { Place } from '../e2e/place.ts';
import { emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { defaultXenVersion } from '../host/emulated/xen-versions.ts';
import { judge } from '../replay/judge.ts';
import { openLab } from '../replay/open-lab.ts';
import { readReplay } from '../replay/replay-file.ts';
import { repository } from '../repository.ts';
import { fuzzHost } from './fuzz-host.ts';
import { fuzzDeviceNamed } from './fuzz.ts';

let place: Place;
beforeAll(async () => {
  place = await Place.create();
  await mkdir(place.runs);
});
afterAll(async () => await place[Symbol.asyncDispose]());

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('generated programs on Xen do what the oracle expects', async () => {
  const words = ['fuzz', '--operations', '12000', '--seed', '17', '--machines', '1', '--json', '--out', place.runs];
  const end = await Cli.run(words, { env: place.env });
  const last = linesOf(end.stdout).at(-1);
  expect(last, end.stderr).toMatchObject({ type: 'summary', mismatches: 0, seed: 17, exitCode: 0 });
  expect(last?.['operations']).toBeGreaterThanOrEqual(12_000);
  expect(last?.['perSecond']).toBeGreaterThan(0);
  expect(end.code).toBe(0);
}, 900_000);

test('a bug in a device model is found, made small, and shown again', async () => {
  const { signal } = new AbortController();
  await using lab = await openLab({
    host: emulatedLabHost({ xen: defaultXenVersion, timing: 'exact' }),
    directories: [`${repository}/src/device`, `${repository}/harness/e2e/broken-devices`],
    ...{ serialLog: join(place.directory, 'serial.log'), note: () => undefined, signal },
  });
  const { failures } = await fuzzHost({
    ...{ lab, seed: 23, operations: 20_000, environments: ['pvh'], maxFailures: 1, maxTries: 400, signal },
    ...{ directory: place.runs, onProgress: () => undefined, note: () => undefined, onFailure: () => undefined },
  });
  expect(failures).toHaveLength(1);
  const [{ file, operations, isReproduced, signature } = { file: '' }] = failures;
  expect([isReproduced, operations]).toEqual([true, expect.toSatisfy((count: number) => count <= 3)]);
  const { recipe } = await readReplay(file);
  const again = await judge(lab, recipe, { deviceNamed: fuzzDeviceNamed, timeoutMs: 60_000, signal });
  expect(again?.signature).toBe(signature);
  // Where the device is as it should be, there is nothing to be seen.
  const end = await Cli.run(['replay', file, '--host', `model-${defaultXenVersion}`, '--json'], { env: place.env });
  expect([end.code, linesOf(end.stdout).at(-1)]).toEqual([0, expect.objectContaining({ agrees: true })]);
}, 900_000);
