import { formatNumber } from '../text/format.ts';
import type { Comparison, Figure, MetricComparison, Side } from './comparison.ts';

const precise = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2, minimumSignificantDigits: 2 });

/** `+1.0 %`, `-0.25 %`, `+12 %`, `0 %`: relative changes, two digits of them. */
export function formatChange(value: number): string {
  const percent = value * 100;
  if (Math.abs(percent) < 0.0005) return '0 %';
  const size = Math.abs(percent);
  const text = size >= 99.5 ? formatNumber(Math.round(size)) : precise.format(size);
  return `${percent < 0 ? '-' : '+'}${text} %`;
}

/** `0.2 %`, `5 %`: a share without a sign. */
export function formatShare(value: number): string {
  return `${formatNumber(Number((value * 100).toPrecision(2)))} %`;
}

/** `+1.0 % [+0.90 %, +1.1 %]`; without the interval where it has no width. */
export function formatInterval({ estimate, low, high }: MetricComparison['change']): string {
  const [from, to] = [formatChange(low), formatChange(high)];
  return from === to ? formatChange(estimate) : `${formatChange(estimate)} [${from}, ${to}]`;
}

/** `0.0079`, `<0.0001`: a p; nothing where there is none. */
export function formatP(p: number | undefined): string {
  if (p === undefined) return '';
  if (p < 0.0001) return '<0.0001';
  return p >= 0.995 ? '1' : p.toPrecision(2);
}

/** What a figure is called. */
export const FIGURE_NAMES: Readonly<Record<Figure, string>> = {
  p50: 'medians',
  p90: '90th percentiles',
  p99: '99th percentiles',
  p999: '99.9th percentiles',
  max: 'maxima',
};

/** `emulated-4.20, Xen 4.20.5, 5 measurements in 1 run`. */
export function sideText({ host, xen, measurements }: Side): string {
  const runs = new Set(measurements.map(({ run }) => run));
  const count = measurements.length === 1 ? '1 measurement' : `${measurements.length} measurements`;
  const where = runs.size === measurements.length ? '' : ` in ${runs.size} run${runs.size === 1 ? '' : 's'}`;
  return [host, ...(xen.length === 0 ? [] : [`Xen ${xen.join(', ')}`]), `${count}${where}`].join(', ');
}

/** `2 worse, 7 same`. */
export function countsText({ counts, metrics }: Comparison): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return `${metrics.length} metrics: ${parts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')}`;
}

/** `undecided: 3 more runs a side would tell`. */
export function verdictText({ verdict, moreRuns }: MetricComparison): string {
  if (verdict !== 'undecided') return verdict;
  return moreRuns === undefined ? 'undecided' : `undecided, +${moreRuns} runs`;
}

/** The metrics in groups that share a table: a scenario in one variant. */
export function groupsOf(metrics: readonly MetricComparison[]): (readonly [string, readonly MetricComparison[]])[] {
  const groups = new Map<string, MetricComparison[]>();
  for (const one of metrics) {
    const name = [one.scenario, one.variant].filter((text) => text !== '').join(' ');
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups];
}
