import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { breakages } from '../host/model/testing/breakages.ts';
import { judge } from '../replay/judge.ts';
import { loadDevices } from '../replay/load-devices.ts';
import { ModelLab } from '../replay/model-lab.ts';
import { readReplay } from '../replay/replay-file.ts';
import { repository } from '../repository.ts';
import { findScenarios, selectScenarios } from '../run/select.ts';
import { runScenarios, type ScenarioOutcome } from '../run/vitest-run.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 300_000 });

const breakage = 'reads lose their upper half';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ioreqlab-mismatch-'));
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

it('what a scenario finds is shown with its program, and kept in a file that shows it again', async () => {
  const scenarios = join(repository, 'scenarios');
  const outcomes: ScenarioOutcome[] = [];
  await runScenarios({
    context: {
      host: {
        ...({ name: 'model-4.20', kind: 'model', timing: 'none', model: '4.20' } as const),
        breakage: { module: join(repository, 'harness/host/model/testing/breakages.ts'), name: breakage },
      },
      ...{ relay: '', directory, scenarios, repeat: 1, environments: ['pvh'] },
    },
    files: selectScenarios(await findScenarios(scenarios), ['memory/page-crossing'], scenarios),
    ...{ retries: 0, onOutcome: (outcome: ScenarioOutcome) => outcomes.push(outcome) },
  });
  const [{ verdict, error } = { verdict: 'none' }] = outcomes;
  expect(verdict).toBe('fail');
  const message = error?.message ?? '';
  expect(message).toMatch(/the program of run \d+, vCPU 0:\n[^]*\n {2}> (load|raw) /);
  const file = /next: ioreqlab replay (\S+mismatch\.json)/.exec(message)?.[1] ?? '';
  const replay = await readReplay(file);
  expect([replay.scenario, replay.host]).toEqual(['memory/page-crossing', 'model-4.20']);

  const deviceNamed = await loadDevices([scenarios]);
  const options = { deviceNamed, timeoutMs: 60_000, signal: new AbortController().signal };
  await using broken = new ModelLab('4.20', breakages[breakage]);
  expect((await judge(broken, replay.recipe, options))?.signature).toBe(replay.signature);
  await using right = new ModelLab('4.20');
  expect(await judge(right, replay.recipe, options)).toBeUndefined();
});
