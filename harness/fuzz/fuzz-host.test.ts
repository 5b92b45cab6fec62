import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RegionHandler } from '../../src/device/index.ts';
import type { Seams } from '../../src/model/in-process/seams.ts';
import { breakages } from '../host/model/testing/breakages.ts';
import { judge } from '../replay/judge.ts';
import { ModelLab } from '../replay/model-lab.ts';
import { readReplay } from '../replay/replay-file.ts';
import { fuzzHost, type FuzzReport } from './fuzz-host.ts';
import { fuzzDeviceNamed } from './fuzz.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 300_000 });

const { signal } = new AbortController();

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ioreqlab-fuzz-'));
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

async function fuzzModel(lab: ModelLab, operations: number, seed: number): Promise<FuzzReport> {
  return await fuzzHost({
    ...{ lab, operations, seed, directory, signal, environments: ['pvh', 'hvm'], maxFailures: 1, maxTries: 600 },
    ...{ onProgress: () => undefined, note: () => undefined, onFailure: () => undefined },
  });
}

describe('generated programs on the model', () => {
  it.each(['4.14', '4.17', '4.20'] as const)('of Xen %s do what the oracle expects', async (xen) => {
    await using lab = new ModelLab(xen);
    const report = await fuzzModel(lab, 1_200, 3);
    expect(report.failures).toEqual([]);
    expect(report.operations).toBeGreaterThanOrEqual(1_200);
    // Most accesses reach a server.
    expect(report.requests).toBeGreaterThan(report.operations / 2);
  });

  it('are the same for the same seed, and others for another', async () => {
    await using lab = new ModelLab('4.20');
    const figures = async (seed: number) => {
      const { operations, requests } = await fuzzModel(lab, 700, seed);
      return [operations, requests];
    };
    expect(await figures(4)).toEqual(await figures(4));
    expect(await figures(4)).not.toEqual(await figures(5));
  });
});

/** Mistakes of the library and of Xen that a few accesses show. */
const mistakes: Readonly<Record<string, Seams | undefined>> = Object.fromEntries(
  [
    'reads lose their upper half',
    'reads are one too high',
    'directions are ignored',
    'the last repetition is lost',
    'accesses are made twice',
    'addresses are one too low',
    'answers are not notified',
  ].map((name) => [name, breakages[name]]),
);

type Write = NonNullable<RegionHandler['write']>;

/** A device model with a mistake of its own: it forgets the second byte of what is written in two. */
const forgetful: Seams = {
  device: (device) => ({
    ...device,
    create: (...words: Parameters<typeof device.create>) => {
      const instance = device.create(...words) as unknown as Record<string, RegionHandler & (() => void)>;
      for (const handler of Object.values(instance)) {
        const { write } = handler;
        if (write === undefined) continue;
        const forget: Write = (offset, size, value) => write(offset, size, size === 2 ? value & 0xff : value);
        Object.assign(handler, { write: forget });
      }
      return instance;
    },
  }),
};
const all = { ...mistakes, 'a device forgets': forgetful };

describe('a model on which', () => {
  it.each(Object.keys(all))('%s is found out, with a program of at most three operations', async (name) => {
    const seams = (all as typeof mistakes)[name];
    if (seams === undefined) throw new Error(`there is no breakage ${name}`);
    await using lab = new ModelLab('4.20', seams);
    const { failures } = await fuzzModel(lab, 4_000, 11);
    expect(failures).toHaveLength(1);
    const [{ file, operations, isReproduced, signature } = { file: '' }] = failures;
    expect([isReproduced, operations]).toEqual([true, expect.toSatisfy((count: number) => count <= 3)]);
    // The file shows it again, and nothing where nothing is wrong.
    const { recipe, ...known } = await readReplay(file);
    expect([known.signature, known.seed, known.xen]).toEqual([signature, 11, '4.20']);
    const options = { deviceNamed: fuzzDeviceNamed, timeoutMs: 60_000, signal };
    expect((await judge(lab, recipe, options))?.signature).toBe(signature);
    await using right = new ModelLab('4.20');
    expect(await judge(right, recipe, options)).toBeUndefined();
  });
});
