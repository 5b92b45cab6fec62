import { CHANGE_VERDICTS, type Comparison, type MetricComparison } from '../compare/comparison.ts';
import { SampleReader, type Distributions } from '../compare/distributions.ts';
import { writeAtomically } from '../run/atomic-write.ts';
import { comparisonPage, type ComparedSides } from './comparison-page.ts';

/** Metrics with pictures of their own, those with a finding first. */
const MOST_PICTURED = 24;

/**
 * Writes comparisons as one HTML file, in place of the one that may be there: tables, and for what changed the distributions, the shift of each quantile and the runs
 * in their order. Samples are read from the runs' directories; where they are gone, their pictures are left out.
 */
export async function writeComparisonPage(path: string, comparisons: readonly Comparison[]): Promise<void> {
  const all: ComparedSides[] = [];
  for (const comparison of comparisons) {
    const reader = new SampleReader(comparison);
    const pictured = [...comparison.metrics].sort((a, b) => importance(a) - importance(b)).slice(0, MOST_PICTURED);
    const distributions = new Map<MetricComparison, Distributions>();
    for (const metric of pictured) {
      const samples = await reader.read(metric);
      if (samples !== undefined) distributions.set(metric, samples);
    }
    all.push({ comparison, distributions, pictured });
  }
  await writeAtomically(path, comparisonPage(all));
}

function importance({ verdict }: MetricComparison): number {
  return CHANGE_VERDICTS.indexOf(verdict);
}
