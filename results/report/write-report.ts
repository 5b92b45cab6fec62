import { join } from 'node:path';
import { writeAtomically } from '../run/atomic-write.ts';
import type { Metric, Run } from '../run-schema.ts';
import { readSamples } from '../run/samples.ts';
import { percentileCurve, type CurvePoint } from '../stats/percentile-curve.ts';
import { sortSamples } from '../stats/quantile.ts';
import { reportPage } from './page.ts';

/** Writes `report.html` into the run's directory, in place of the one that may be there. Samples that are gone are left out. */
export async function writeReport(run: Run, directory: string): Promise<void> {
  const curves = new Map<Metric, readonly CurvePoint[]>();
  for (const metric of run.scenarios.flatMap(({ metrics }) => metrics)) {
    if (metric.samples === undefined) continue;
    // Somebody may have deleted them to save space; the figures are in the record.
    const samples = await readSamples(join(directory, metric.samples)).catch(() => undefined);
    if (samples !== undefined && samples.length > 0) curves.set(metric, percentileCurve(sortSamples(samples)));
  }
  await writeAtomically(join(directory, 'report.html'), reportPage(run, curves));
}
