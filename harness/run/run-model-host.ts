import type { HostRecord } from '../../results/index.ts';
import { isLabError, LabError, messageOf } from '../../src/errors.ts';
import type { ModelHost } from '../host/model/model-host.ts';
import { hostProblem } from './host-record.ts';
import type { HostRun, HostRunOptions } from './run-host.ts';
import { runScenarios, type ScenarioOutcome } from './vitest-run.ts';

/** What a run wants of a model: nothing of machines and bundles. */
export interface ModelRunOptions extends Omit<HostRunOptions, 'lab' | 'shard' | 'bundle' | 'note'> {
  readonly lab: ModelHost;
}

/** Runs scenarios on the model of Xen, all of it in Vitest's worker. Never throws. */
export async function runModelHost(options: ModelRunOptions): Promise<HostRun> {
  const { lab, run, scenarios, files, environments, retries, repeat, turn, signal } = options;
  const { name, kind, timing, xen } = lab;
  const reached: HostRecord = { name, kind, timing, xen: { version: xen }, env: { node: process.version } };
  const outcomes: ScenarioOutcome[] = [];
  const tell = (outcome: ScenarioOutcome): void => {
    outcomes.push(outcome);
    options.onOutcome(outcome);
  };
  let record = reached;
  options.onHost(record);
  try {
    await runScenarios({
      context: {
        host: { name, kind, timing, model: xen },
        ...{ relay: '', directory: run.directory, scenarios, repeat },
        ...(turn === undefined ? {} : { turn }),
        ...(environments === undefined ? {} : { environments }),
      },
      ...{ files, retries, signal },
      onOutcome: (outcome) => {
        const isUndone =
          outcome.verdict === 'skip' && (outcome.reason === undefined || outcome.startedAt !== undefined);
        tell(signal.aborted && isUndone ? notRun(outcome, messageOf(signal.reason)) : outcome);
      },
    });
  } catch (error) {
    const problem = isLabError(error) ? error : new LabError(messageOf(error), { blame: 'harness', code: 'INTERNAL' });
    record = { ...reached, error: hostProblem(problem) };
    options.onHost(record);
  }
  const told = new Set(outcomes.map(({ id }) => id));
  const why = record.error?.message ?? (signal.aborted ? messageOf(signal.reason) : undefined);
  for (const { id } of why === undefined ? [] : files.filter((file) => !told.has(file.id))) {
    tell(notRun({ id, host: name, params: {}, durationMs: 0, metrics: [] }, why ?? ''));
  }
  return { record, outcomes };
}

function notRun(outcome: Omit<ScenarioOutcome, 'verdict' | 'attempts'>, reason: string): ScenarioOutcome {
  return { ...outcome, verdict: 'notRun', attempts: 0, reason };
}
