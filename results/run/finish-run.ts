import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, messageOf } from '../../src/errors.ts';
import { artifactsBelow } from './artifacts.ts';
import { linkAtomically, writeAtomically } from './atomic-write.ts';
import { afterTheEnd, type EventLog } from './event-log.ts';
import { exitCodeOf, type ExitCode } from '../exit-code.ts';
import { junitXml } from '../junit.ts';
import { issueText } from './read-run.ts';
import { writeReport } from '../report/write-report.ts';
import {
  runSchema,
  type Artifact,
  type Ended,
  type HostRecord,
  type Phase,
  type Run,
  type ScenarioRecord,
} from '../run-schema.ts';
import { placeDirectory } from './scenario-place.ts';
import { countVerdicts } from '../verdict.ts';

/** What the harness found out. Counts, exit code, times and artifacts are added here. */
export interface RunRecords {
  readonly hosts: readonly HostRecord[];
  /** Without `artifacts`, all files that lie in the scenario's directory are listed. */
  readonly scenarios: readonly (Omit<ScenarioRecord, 'artifacts'> & { artifacts?: Artifact[] })[];
  /** `completed`, unless told otherwise. */
  readonly ended?: Ended;
  readonly ioreqlab?: Run['ioreqlab'];
  readonly notes?: readonly string[];
  readonly phases?: readonly Phase[];
}

/** A finished run, as its writer gets it back. */
export interface FinishedRecords {
  readonly run: Run;
  readonly directory: string;
  readonly exitCode: ExitCode;
  /** What could not be written although the run is complete: the report, `latest`. For the user to see. */
  readonly warnings: readonly string[];
}

interface Start {
  readonly id: string;
  readonly startedAt: string;
  readonly directory: string;
  readonly root: string;
  readonly command: readonly string[];
}

/**
 * Turns a directory into a finished run. `run.json` comes last, so that its presence means that all the rest is there. The
 * record is worth more than its pictures: a report that cannot be made is a warning.
 */
export async function finishRun(start: Start, records: RunRecords, log: EventLog): Promise<FinishedRecords> {
  if (!log.isOpen) throw afterTheEnd('finish');
  const run = checked(await recordOf(start, records));
  const exitCode = exitCodeOf(run);
  const warnings: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      warnings.push(`${what}: ${messageOf(error)}`);
      if (what !== 'latest') log.append({ type: 'warning', message: warnings.at(-1) });
    }
  };

  const path = (name: string): string => join(start.directory, name);
  try {
    await attempt('junit.xml', async () => await writeAtomically(path('junit.xml'), junitXml(run)));
    await attempt('report.html', async () => void (await writeReport(run, start.directory)));
    log.append({ type: 'finish', counts: run.counts, exitCode });
    log[Symbol.dispose]();
    await writeAtomically(path('run.json'), `${JSON.stringify(run, null, 1)}\n`);
  } catch (cause) {
    throw new LabError(`the run's record cannot be written: ${messageOf(cause)}`, {
      blame: 'harness',
      code: 'RUN_NOT_WRITTEN',
      next: `make room; what happened so far is in ${path('events.ndjson')}`,
      cause,
    });
  }
  await attempt('latest', async () => await linkAtomically(join(start.root, 'latest'), start.id));
  // A reminder against editing by hand. The directories stay writable, so that their owner can delete the run.
  for (const name of ['run.json', 'events.ndjson', 'junit.xml']) await chmod(path(name), 0o444).catch(() => undefined);
  return { run, directory: start.directory, exitCode, warnings };
}

async function recordOf(start: Start, records: RunRecords): Promise<Run> {
  const { ended = 'completed', ioreqlab, notes, phases } = records;
  const scenarios: ScenarioRecord[] = [];
  for (const record of records.scenarios) {
    const artifacts = record.artifacts ?? (await artifactsBelow(start.directory, placeDirectory(record)));
    scenarios.push({ ...record, artifacts });
  }
  const run: Run = {
    schema: 1,
    id: start.id,
    startedAt: start.startedAt,
    finishedAt: new Date().toISOString(),
    ended,
    command: [...start.command],
    ...(ioreqlab === undefined ? {} : { ioreqlab }),
    ...(notes === undefined ? {} : { notes: [...notes] }),
    ...(phases === undefined ? {} : { phases: [...phases] }),
    hosts: [...records.hosts],
    counts: countVerdicts(scenarios),
    scenarios,
  };
  return { ...run, exitCode: exitCodeOf(run) };
}

/** What cannot be read back must not be written. */
function checked(run: Run): Run {
  const result = runSchema.safeParse(run);
  if (result.success) return result.data;
  const message = `the harness made an invalid record of the run:\n${issueText(result.error)}`;
  throw new LabError(message, { blame: 'harness', code: 'RUN_INVALID', cause: result.error });
}
