import { join } from 'node:path';
import { writeAtomically } from '../run/atomic-write.ts';
import type { Metric, Run } from '../run-schema.ts';
import { readSamples } from '../run/samples.ts';
import { percentileCurve, type CurvePoint } from '../stats/percentile-curve.ts';
import { sortSamples } from '../stats/quantile.ts';
import { reportPage } from './page.ts';

/**
 * Writes `report.html` into the run's directory, or to another path, in place of the one that may be there, and gives back its
 * path. Samples that are gone are left out. Links to files of the run work only from the run's directory.
 */
export async function writeReport(
  run: Run,
  directory: string,
  path: string = join(directory, 'report.html'),
): Promise<string> {
  const curves = new Map<Metric, readonly CurvePoint[]>();
  for (const metric of run.scenarios.flatMap(({ metrics }) => metrics)) {
    if (metric.samples === undefined) continue;
    // Somebody may have deleted them to save space; the figures are in the record.
    const samples = await readSamples(join(directory, metric.samples)).catch(() => undefined);
    if (samples !== undefined && samples.length > 0) curves.set(metric, percentileCurve(sortSamples(samples)));
  }
  await writeAtomically(path, reportPage(run, curves));
  return path;
}
