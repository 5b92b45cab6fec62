import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, messageOf } from '../src/errors.ts';
import { EventLog, type EventInput } from './run/event-log.ts';
import { finishRun, type FinishedRecords, type RunRecords } from './run/finish-run.ts';
import type { Quantity } from './metric.ts';
import { hostDirectory, recordSamples, scenarioDirectory, type AttemptPlace } from './run/run-folders.ts';
import { newRunId } from './run/run-id.ts';
import type { Metric } from './run-schema.ts';
import type { RawSamples } from './run/samples.ts';

/** What a run is started with. */
export interface NewRun {
  /** Directory of all runs, such as `results/runs`; made if need be. */
  readonly root: string;
  /** The call that makes the run, one argument each. */
  readonly command: readonly string[];
}

/**
 * A run being written. Until {@link RunDirectory.finish} its directory has no `run.json`, so that nobody takes it for a
 * result; whenever the process dies, `events.ndjson` tells how far it came. Disposing without finishing leaves it so.
 */
export class RunDirectory implements Disposable {
  /** UTC time and six random letters: sorts by age. */
  readonly id: string;
  /** `<root>/<id>`. */
  readonly directory: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly #root: string;
  readonly #command: readonly string[];
  readonly #log: EventLog;

  private constructor(run: NewRun, id: string, startedAt: string) {
    this.id = id;
    this.startedAt = startedAt;
    this.directory = join(run.root, id);
    this.#root = run.root;
    this.#command = run.command;
    this.#log = new EventLog(join(this.directory, 'events.ndjson'));
    this.#log.append({ type: 'start', id, command: run.command, pid: process.pid });
  }

  /** Makes the directory of a new run. LabError if it cannot be made. */
  static async create(run: NewRun): Promise<RunDirectory> {
    const now = new Date();
    const id = newRunId(now);
    try {
      await mkdir(run.root, { recursive: true });
      // Fails if it exists: two runs never share a directory.
      await mkdir(join(run.root, id));
      return new RunDirectory(run, id, now.toISOString());
    } catch (cause) {
      throw new LabError(`no directory for the run below ${run.root}: ${messageOf(cause)}`, {
        blame: 'harness',
        code: 'RUN_NOT_WRITTEN',
        next: 'make room, or name a directory that can be written: --out DIR',
        cause,
      });
    }
  }

  /** Appends to `events.ndjson`; on disk, as far as this process is concerned, when it returns. */
  event(event: EventInput): void {
    this.#log.append(event);
  }

  /** See {@link hostDirectory}. */
  hostDirectory(host: string): string {
    return hostDirectory(this.directory, host);
  }

  /** See {@link scenarioDirectory}. */
  scenarioDirectory(place: AttemptPlace): string {
    return scenarioDirectory(this.directory, place);
  }

  /** See {@link recordSamples}. */
  async recordSamples(place: AttemptPlace, quantity: Quantity, samples: RawSamples): Promise<Metric> {
    return await recordSamples(this.directory, place, quantity, samples);
  }

  /** Writes `junit.xml`, `report.html` and last `run.json`, and points `latest` here. The run cannot change afterwards. */
  async finish(records: RunRecords): Promise<FinishedRecords> {
    const { id, startedAt, directory } = this;
    const start = { id, startedAt, directory, root: this.#root, command: this.#command };
    return await finishRun(start, records, this.#log);
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
  }
}

/** Starts a run: `const run = await createRun({ root, command })`. LabError if its directory cannot be made. */
export async function createRun(run: NewRun): Promise<RunDirectory> {
  return await RunDirectory.create(run);
}
