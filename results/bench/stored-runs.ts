import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../fixtures/random.ts';
import { writeSampleRun } from '../fixtures/sample-run.ts';
import { summarize } from '../stats/summarize.ts';
import type { Metric, Run, ScenarioRecord } from '../run-schema.ts';
import { countVerdicts } from '../verdict.ts';

/** Invented levels, in instructions, of the series of a run. */
const LEVELS: Readonly<Record<string, number>> = {
  'ladder.rdtsc': 8,
  'ladder.cpuid': 5639,
  'ladder.xen': 1570,
  'ladder.unclaimed': 1955,
  'ladder.c-spin': 10_880,
  'ladder.ts-spin': 11_048,
  'ladder.c': 40_538,
  'ladder.ts': 40_704,
  'ladder.qemu': 54_871,
  'ranges.c': 46_310,
  'ranges.ts': 46_540,
  'ranges.qemu': 54_890,
};

/** Metrics of the series, in the order in which they step. */
export const SERIES: readonly string[] = Object.keys(LEVELS);

/** How many results a run of the whole catalogue has besides: most of a record is what the report does not need. */
const FUNCTIONAL = 80;
const NIGHT = 86_400_000;

/** A run's place in time, and its id, which sorts by it. */
export function nightOf(index: number): { id: string; startedAt: string; finishedAt: string } {
  const at = Date.UTC(2000, 0, 1, 2) + index * NIGHT;
  const startedAt = new Date(at).toISOString();
  // No letters that an id does not have.
  const suffix = [...String(index).padStart(6, '0')].map((digit) => 'bcdfghjkmn'[Number(digit)]).join('');
  const id = `${startedAt.replace(/[-:]|\.\d+/g, '')}-${suffix}`;
  return { id, startedAt, finishedAt: new Date(at + 95_000).toISOString() };
}

/**
 * A record of one night, as a nightly run on one host leaves it: invented, the same for the same index. Levels step up or
 * down every few hundred nights, one series after the other, and Xen is updated now and then.
 */
export function nightlyRun(index: number, base: Pick<Run, 'hosts'>): Run {
  const random = seededRandom(index + 1);
  const noise = (): number => (random() + random() + random() - 1.5) * 0.002;
  const metrics = SERIES.map((name, series): Metric => {
    const steps = Math.floor((index + series * 83) / 331);
    const middle = (LEVELS[name] ?? 0) * (1 + 0.03 * (steps % 3)) * (1 + noise());
    const samples = Uint32Array.from({ length: 64 }, () => Math.round(middle * (1 + Math.abs(noise()))));
    const path = `scenarios/performance/${name}/emulated-4.20~environment=hvm/attempt-1/${name}.u32`;
    return { name, unit: 'instructions', kind: 'exact', ...summarize(samples), n: 10_000, samples: path };
  });
  const place = { host: 'emulated-4.20', params: { environment: 'hvm' }, verdict: 'pass', attempts: 1 } as const;
  const measured = ['ladder', 'ranges'].map((topic): ScenarioRecord => {
    const own = metrics.filter(({ name }) => name.startsWith(`${topic}.`));
    const artifacts = own.map(({ samples = '' }) => ({ path: samples, bytes: 40_000 }));
    return { id: `performance/${topic}`, ...place, durationMs: 40_700, artifacts, metrics: own };
  });
  const functional = Array.from({ length: FUNCTIONAL }, (_, scenario): ScenarioRecord => {
    const id = `topic-${scenario >> 3}/scenario-${scenario}`;
    const directory = `scenarios/${id}/emulated-4.20~environment=hvm/attempt-1`;
    const artifacts = ['main.trace', 'programs.txt'].map((file) => ({ path: `${directory}/${file}`, bytes: 4096 }));
    return { id, title: `what scenario ${scenario} expects`, ...place, durationMs: 300, artifacts, metrics: [] };
  });
  const scenarios = [...measured, ...functional];
  const hosts = base.hosts.map((host) => ({
    ...host,
    xen: { ...host.xen, version: `4.20.${Math.floor(index / 250)}` },
  }));
  return {
    schema: 1,
    ...nightOf(index),
    ended: 'completed',
    exitCode: 0,
    notes: ['made up for the bench of the report; nothing here was measured'],
    hosts,
    counts: countVerdicts(scenarios),
    scenarios,
  };
}

/** Writes so many nights below `root`, as {@link nightlyRun} makes them. */
export async function writeNightlyRuns(root: string, count: number): Promise<void> {
  const { run } = await writeSampleRun({ root: join(root, 'model'), versions: ['4.20'], healthy: true, samples: 100 });
  for (let index = 0; index < count; index += 1) {
    const night = nightlyRun(index, run);
    const directory = join(root, 'runs', night.id);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'run.json'), `${JSON.stringify(night, null, 1)}\n`);
  }
}
