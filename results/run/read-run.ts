import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { LabError } from '../../src/errors.ts';
import { readEvents, type RunEvent } from './event-log.ts';
import { runSchema, type Run } from '../run-schema.ts';

/** A run that came to its end. */
export interface FinishedRun {
  readonly state: 'finished';
  readonly directory: string;
  readonly run: Run;
}

/** A run without `run.json`: still going on, or killed. Its events tell how far it came. */
export interface UnfinishedRun {
  readonly state: 'unfinished';
  readonly directory: string;
  readonly id: string;
  /** All that were written, oldest first. */
  readonly events: readonly RunEvent[];
  /** Lines that are no event: the last one, if the writer was killed while it wrote. */
  readonly torn: number;
}

const FILE = 'run.json';

/** The run in a directory, or through a symbolic link such as `latest`, in whatever state it is. LabError if there is none. */
export async function openRun(directory: string): Promise<FinishedRun | UnfinishedRun> {
  const real = await existing(directory);
  if (await isFile(join(real, FILE))) return { state: 'finished', directory: real, run: await readRun(real) };
  const log = join(real, 'events.ndjson');
  if (!(await isFile(log))) throw notARun(directory, `${directory} holds neither ${FILE} nor events.ndjson`);
  return { state: 'unfinished', directory: real, id: basename(real), ...(await readEvents(log)) };
}

/** The record of a finished run. A LabError names the file and the place inside it that is wrong. */
export async function readRun(directory: string): Promise<Run> {
  const path = join(await existing(directory), FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const message = `${directory} holds no finished run: ${FILE} cannot be read`;
    throw new LabError(message, { ...notFinished, cause });
  }
  return parseRun(text, path);
}

/** A run from the text of its `run.json`; `path` is for the error. */
export function parseRun(text: string, path: string): Run {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${path} is not JSON`, cause);
  }
  if (typeof value === 'object' && value !== null && 'schema' in value && Number(value.schema) > 1) {
    throw invalid(`${path} has schema ${String(value.schema)}; this version of ioreqlab reads schema 1`);
  }
  const result = runSchema.safeParse(value);
  if (!result.success) throw invalid(`${path} is no valid run:\n${issueText(result.error)}`, result.error);
  return result.data;
}

/** The first issues, one a line: `scenarios[3].metrics[0].p50: what is wrong`. */
export function issueText(error: z.ZodError): string {
  const shown = error.issues.slice(0, 5).map(({ path, message }) => `  ${pathText(path)}: ${message}`);
  const more = error.issues.length - shown.length;
  return [...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '(top)' : text.replace(/^\./, '');
}

async function existing(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (cause) {
    throw notARun(directory, `there is no run at ${directory}`, cause);
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

const notFinished = {
  blame: 'usage',
  code: 'RUN_NOT_FINISHED',
  next: 'see events.ndjson in the same directory for what it did before it was killed, or wait for its end',
} as const;

function notARun(directory: string, message: string, cause?: unknown): LabError {
  const next = basename(directory) === 'latest' ? 'ioreqlab run' : 'ioreqlab show --list';
  return new LabError(message, { blame: 'usage', code: 'NO_SUCH_RUN', next, cause });
}

function invalid(message: string, cause?: unknown): LabError {
  return new LabError(message, { blame: 'usage', code: 'RUN_INVALID', cause });
}
