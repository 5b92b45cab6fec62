import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hostOf, scenarioOf } from './fixtures/small-run.ts';
import { temporaryDirectory } from './fixtures/temporary.ts';
import { listRuns, runDirectory } from './run/list-runs.ts';
import { openRun, readRun } from './run/read-run.ts';
import { createRun } from './run-directory.ts';
import type { ScenarioRecord } from './run-schema.ts';
import { readSamples } from './run/samples.ts';

const command = ['ioreqlab', 'run'];

function recordOf(given: Partial<ScenarioRecord> = {}): Omit<ScenarioRecord, 'artifacts'> {
  const { artifacts: _artifacts, ...record } = scenarioOf(given);
  return record;
}

describe('a finished run', () => {
  test('has all its files, is found as latest, and reads back', async () => {
    const root = join(temporaryDirectory(), 'results', 'runs');
    const run = await createRun({ root, command });
    run.event({ type: 'host', host: 'h', cycles: 2n ** 40n });
    writeFileSync(join(run.hostDirectory('h'), 'serial.log'), 'Xen 4.20\n');
    const place = { id: 'port-io/widths', host: 'h', params: { environment: 'pvh' }, attempt: 1 };
    writeFileSync(join(run.scenarioDirectory(place), 'guest.log'), 'hello');
    const metric = await run.recordSamples(
      place,
      { name: 'ladder.ts', unit: 'instructions', kind: 'exact' },
      Uint32Array.of(3, 1, 2),
    );
    const finished = await run.finish({
      hosts: [hostOf()],
      scenarios: [recordOf({ params: place.params, metrics: [metric] })],
    });

    expect(finished).toMatchObject({ exitCode: 0, warnings: [], directory: run.directory });
    expect(readdirSync(run.directory).sort()).toEqual([
      'events.ndjson',
      'hosts',
      'junit.xml',
      'report.html',
      'run.json',
      'scenarios',
    ]);
    expect(await readRun(run.directory)).toEqual(finished.run);
    expect(finished.run).toMatchObject({ id: run.id, command, ended: 'completed', exitCode: 0, counts: { pass: 1 } });
    expect(finished.run.scenarios[0]?.artifacts).toEqual([
      { path: 'scenarios/port-io/widths/h~environment=pvh/attempt-1/guest.log', bytes: 5 },
      { path: 'scenarios/port-io/widths/h~environment=pvh/attempt-1/ladder.ts.u32', bytes: 12 },
    ]);
    expect(metric).toMatchObject({ n: 3, min: 1, p50: 2, max: 3, kind: 'exact' });
    expect(await readSamples(join(run.directory, metric.samples ?? ''))).toEqual(Uint32Array.of(3, 1, 2));

    expect(readlinkSync(join(root, 'latest'))).toBe(run.id);
    expect(await openRun(runDirectory(root, 'latest'))).toEqual({
      state: 'finished',
      directory: run.directory,
      run: finished.run,
    });
    expect(await listRuns(root)).toEqual([{ id: run.id, directory: run.directory, state: 'finished' }]);

    const events = readFileSync(join(run.directory, 'events.ndjson'), 'utf8').trimEnd().split('\n');
    expect(events.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { type: 'start', id: run.id, command },
      { type: 'host', host: 'h', cycles: '1099511627776' },
      { type: 'finish', exitCode: 0 },
    ]);
  });

  test('cannot change any more', async () => {
    const run = await createRun({ root: temporaryDirectory(), command });
    await run.finish({ hosts: [], scenarios: [] });
    const before = readFileSync(join(run.directory, 'run.json'), 'utf8');
    expect(() => run.event({ type: 'late' })).toThrow(
      expect.objectContaining({ code: 'RUN_FINISHED', blame: 'harness' }),
    );
    await expect(run.finish({ hosts: [hostOf()], scenarios: [] })).rejects.toMatchObject({ code: 'RUN_FINISHED' });
    expect(readFileSync(join(run.directory, 'run.json'), 'utf8')).toBe(before);
    expect(lstatSync(join(run.directory, 'run.json')).mode & 0o222).toBe(0);
  });

  test('lists no symbolic link as an artifact, wherever it leads', async () => {
    const run = await createRun({ root: temporaryDirectory(), command });
    const directory = run.scenarioDirectory({ id: 'a', host: 'h', attempt: 1 });
    symlinkSync('/etc/passwd', join(directory, 'passwd'));
    symlinkSync('/', join(directory, 'everything'));
    writeFileSync(join(directory, 'real'), '');
    writeFileSync(join(directory, 'with\nnewline'), '');
    const { run: record } = await run.finish({ hosts: [hostOf()], scenarios: [recordOf({ id: 'a' })] });
    expect(record.scenarios[0]?.artifacts).toEqual([{ path: 'scenarios/a/h/attempt-1/real', bytes: 0 }]);
  });

  test('stays inside its directory whatever scenarios and hosts are called', async () => {
    const root = temporaryDirectory();
    const run = await createRun({ root: join(root, 'runs'), command });
    for (const evil of ['../../../evil', '..', '/etc', '.', '', 'a\0b']) {
      run.hostDirectory(evil);
      run.scenarioDirectory({ id: evil, host: evil, params: { [evil]: evil }, attempt: 1 });
    }
    expect(readdirSync(root)).toEqual(['runs']);
    expect(readdirSync(join(root, 'runs'))).toEqual([run.id]);
  });
});

describe('when things go wrong', () => {
  test('a report that cannot be written is a warning, and the record is there', async () => {
    const run = await createRun({ root: temporaryDirectory(), command });
    mkdirSync(join(run.directory, 'report.html'));
    const { warnings } = await run.finish({ hosts: [], scenarios: [] });
    expect(warnings).toEqual([expect.stringMatching(/^report\.html: EISDIR/)]);
    expect((await readRun(run.directory)).exitCode).toBe(3);
    expect(readFileSync(join(run.directory, 'events.ndjson'), 'utf8')).toContain('"type":"warning"');
  });

  test('a record that cannot be written is an error, and leaves no half file', async () => {
    const root = temporaryDirectory();
    const run = await createRun({ root, command });
    mkdirSync(join(run.directory, 'run.json'));
    await expect(run.finish({ hosts: [], scenarios: [] })).rejects.toMatchObject({
      code: 'RUN_NOT_WRITTEN',
      blame: 'harness',
      next: expect.stringContaining('events.ndjson') as string,
    });
    expect(readdirSync(run.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(existsSync(join(root, 'latest'))).toBe(false);
  });

  test('a directory that cannot be made is an error that says what to do', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    await expect(createRun({ root: file, command })).rejects.toMatchObject({
      code: 'RUN_NOT_WRITTEN',
      next: expect.stringContaining('--out') as string,
    });
  });

  test('an invalid record is refused with the place that is wrong', async () => {
    const run = await createRun({ root: temporaryDirectory(), command });
    const scenarios = [recordOf({ durationMs: Number.NaN })];
    await expect(run.finish({ hosts: [hostOf()], scenarios })).rejects.toMatchObject({
      code: 'RUN_INVALID',
      blame: 'harness',
      message: expect.stringContaining('scenarios[0].durationMs') as string,
    });
    expect(await openRun(run.directory)).toMatchObject({ state: 'unfinished' });
    run[Symbol.dispose]();
  });

  test('`latest` that is in the way is not deleted', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'latest'));
    const { warnings } = await (await createRun({ root, command })).finish({ hosts: [], scenarios: [] });
    expect(warnings).toEqual([expect.stringMatching(/^latest: /)]);
    expect(lstatSync(join(root, 'latest')).isDirectory()).toBe(true);
  });
});

test('runs at the same time do not disturb each other', async () => {
  const root = temporaryDirectory();
  const runs = await Promise.all(Array.from({ length: 5 }, async () => await createRun({ root, command })));
  await Promise.all(runs.map(async (run) => await run.finish({ hosts: [], scenarios: [] })));
  const listed = await listRuns(root);
  expect(listed.map(({ id }) => id)).toEqual(
    runs
      .map(({ id }) => id)
      .sort()
      .reverse(),
  );
  expect(runs.map(({ id }) => id)).toContain(readlinkSync(join(root, 'latest')));
  expect(readdirSync(root)).toHaveLength(6);
});

test('100 000 samples are written and summarized in no time', async () => {
  const run = await createRun({ root: temporaryDirectory(), command });
  const samples = Uint32Array.from({ length: 100_000 }, (_, index) => (index * 2_654_435_761) % 1_000_003);
  const start = performance.now();
  await run.recordSamples({ id: 'a', host: 'h', attempt: 1 }, { name: 'x', unit: 'cycles', kind: 'wall' }, samples);
  // A tenth of it on an idle machine; a slow way (text, sorting by comparator) takes longer than this.
  expect(performance.now() - start).toBeLessThan(300);
  run[Symbol.dispose]();
});
