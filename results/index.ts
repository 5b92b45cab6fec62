/** What other folders and programs may use of the results: writing a run, reading runs, statistics, and the forms they are shown in. */
export {
  CHANGE_VERDICTS,
  type ChangeVerdict,
  type Comparison,
  type EnvironmentDifference,
  type Figure,
  type Measurement,
  type MetricComparison,
  type MetricSide,
  type NoiseFloor,
  type Side,
} from './compare/comparison.ts';
export { comparisonMarkdown } from './compare/comparison-markdown.ts';
export { comparisonText } from './compare/comparison-text.ts';
export { compareRuns, type CompareRunsOptions, type LabelledRuns } from './compare/compare-runs.ts';
export type { StoredRun } from './compare/measured-set.ts';
export { selectRuns } from './compare/select-runs.ts';
export { EXIT, exitCodeOf, type ExitCode, type Outcome } from './exit-code.ts';
export { readEvents, type EventInput, type RunEvent } from './run/event-log.ts';
export { fileName } from './run/file-name.ts';
export type { FinishedRecords, RunRecords } from './run/finish-run.ts';
export { formatBytes, formatDuration, formatNumber, formatRatio } from './text/format.ts';
export { junitXml } from './junit.ts';
export { laddersOf, ratioOf, RUNGS, YARDSTICKS, type Ladder, type Rung } from './ladder.ts';
export { listRuns, runDirectory, type ListedRun } from './run/list-runs.ts';
export { metricFrom, type Quantity } from './metric.ts';
export { openRun, parseRun, readRun, type FinishedRun, type UnfinishedRun } from './run/read-run.ts';
export { writeComparisonPage } from './report/write-comparison.ts';
export { writeReport } from './report/write-report.ts';
export { writeTrends, type Trends, type TrendsOptions } from './report/write-trends.ts';
export { createRun, RunDirectory, type NewRun } from './run-directory.ts';
export { hostDirectory, recordSamples, scenarioDirectory, type AttemptPlace } from './run/run-folders.ts';
export {
  runSchema,
  type Artifact,
  type Crashed,
  type Ended,
  type HostRecord,
  type HostTiming,
  type KnownSeen,
  type Metric,
  type Params,
  type Phase,
  type Problem,
  type Run,
  type ScenarioRecord,
  type Timing,
  type Unit,
} from './run-schema.ts';
export { readSamples, writeSamples, type RawSamples } from './run/samples.ts';
export { paramsText, type ScenarioPlace } from './run/scenario-place.ts';
export { changePoints, type ChangePoint, type ChangePointOptions } from './stats/change-points.ts';
export { quantile, sortSamples, type Samples, type SortedSamples } from './stats/quantile.ts';
export { summarize, summarizeSorted, type Summary } from './stats/summarize.ts';
export { summaryText, type SummaryOptions } from './summary.ts';
export { excerpt, plainLine, plainText } from './text/untrusted-text.ts';
export { variantText } from './verdict-rows.ts';
export { parseSince, startOf } from './trends/since.ts';
export { trendLines, trendsText } from './trends/trends-text.ts';
export { countVerdicts, severityOf, VERDICTS, worst, type Counts, type Verdict } from './verdict.ts';
