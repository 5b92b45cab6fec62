import type { Writable } from 'node:stream';
import { formatCount, formatDuration } from './text/format.ts';
import { knownDifferences } from './known-differences.ts';
import { modelNotes } from './model-note.ts';
import { ladderTable } from './ladder-table.ts';
import { laddersOf } from './ladder.ts';
import { paintFor, type Paint, type Style } from './text/paint.ts';
import type { Problem, Run, ScenarioRecord } from './run-schema.ts';
import { textTable, type Cell } from './text/text-table.ts';
import { excerpt, plainLine } from './text/untrusted-text.ts';
import { isBad, variantText, verdictRows } from './verdict-rows.ts';
import { VERDICTS, type Verdict } from './verdict.ts';

const STYLES: Readonly<Record<Verdict, Style>> = {
  pass: 'green',
  known: 'cyan',
  skip: 'gray',
  flaky: 'yellow',
  error: 'magenta',
  fail: 'red',
  crash: 'red',
  notRun: 'gray',
};

/** How {@link summaryText} is to look. */
export interface SummaryOptions {
  /** Where the text will go. Colours are used only if it is a terminal and NO_COLOR is not set; without it there are none. */
  readonly stream?: Writable;
  /** The run's directory, for the last line. */
  readonly directory?: string;
}

/**
 * The run for a terminal: verdicts (a column per host if there are several), what failed with who has to act and what to type next,
 * the medians of the ladder, the counts. Text from guests cannot control the terminal: it is stripped, and each of its lines starts with
 * a bar, so that no CI takes one for a command.
 */
export function summaryText(run: Run, { stream, directory }: SummaryOptions = {}): string {
  const paint = paintFor(stream);
  const blocks = [
    (run.notes ?? []).map((note) => paint('yellow', `note: ${plainLine(note)}`)),
    verdictTable(run, paint),
    ...run.hosts.flatMap((host) => (host.error === undefined ? [] : [hostProblem(host.name, host.error, paint)])),
    ...run.scenarios.filter(({ verdict }) => isBad(verdict)).map((record) => failure(record, paint)),
    knownLines(run, paint),
    ...laddersOf(run).map((ladders) => ladderTable(ladders, paint)),
    closing(run, directory, paint),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function verdictTable(run: Run, paint: Paint): string[] {
  const rows = verdictRows(run);
  if (rows.length === 0) return [];
  const hosts = run.hosts.map(({ name }) => name);
  const dim = (text: string): string => paint('gray', text);
  const header: Cell[] = ['', '', ...hosts.map((host) => plainLine(host))].map((text) => ({ text, paint: dim }));
  const body = rows.map(({ id, variant, records }): Cell[] => [
    { text: plainLine(id) },
    { text: plainLine(variant), paint: dim },
    ...hosts.map((host) => verdictCell(records.get(host), paint)),
  ]);
  return textTable([header, ...body]);
}

function verdictCell(record: ScenarioRecord | undefined, paint: Paint): Cell {
  if (record === undefined) return { text: '' };
  const { verdict, durationMs, attempts } = record;
  const time = attempts === 0 ? '' : ` ${formatDuration(durationMs)}`;
  const painted = (padded: string): string =>
    paint(STYLES[verdict], padded.slice(0, verdict.length)) + padded.slice(verdict.length);
  return { text: `${verdict}${time}`, paint: painted };
}

function failure(record: ScenarioRecord, paint: Paint): string[] {
  const { verdict, crashed, id, host, error } = record;
  const what = crashed === undefined ? verdict : `${verdict} of ${crashed}`;
  const where = [id, variantText(record)].filter((text) => text !== '').join(' ');
  const heading = `${paint(STYLES[verdict], what)} ${plainLine(where)} on ${plainLine(host)}`;
  return [heading, ...(error === undefined ? [] : problemLines(error, paint))];
}

function knownLines(run: Run, paint: Paint): string[] {
  return knownDifferences(run).map(({ reason, results, ids }) => {
    const where = `${formatCount(results, 'result')} of ${ids.map((id) => plainLine(id)).join(', ')}`;
    return `${paint(STYLES.known, 'known')} ${plainLine(reason, 400)}: ${where}`;
  });
}

function hostProblem(host: string, error: Problem, paint: Paint): string[] {
  return [`${paint(STYLES.error, 'host')} ${plainLine(host)} cannot be used`, ...problemLines(error, paint)];
}

function problemLines({ blame, code, message, next, evidence }: Problem, paint: Paint): string[] {
  const bar = paint('gray', '|');
  const barred = (text: string, style?: Style): string[] =>
    text.split('\n').map((line) => `  ${bar} ${style === undefined ? line : paint(style, line)}`);
  return [
    `  blame: ${blame} (${plainLine(code)})`,
    ...barred(excerpt(message, { lines: 12, columns: 200 })),
    ...(evidence === undefined ? [] : barred(excerpt(evidence, { lines: 12, columns: 160 }), 'gray')),
    ...(next === undefined ? [] : [`  ${paint('bold', 'next:')} ${plainLine(next, 1000)}`]),
  ];
}

function closing(run: Run, directory: string | undefined, paint: Paint): string[] {
  const counts = VERDICTS.filter((verdict) => run.counts[verdict] > 0).map((verdict) =>
    paint(STYLES[verdict], `${run.counts[verdict]} ${verdict}`),
  );
  const took = formatDuration(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
  const total = formatCount(run.scenarios.length, 'result');
  const how = run.ended === 'interrupted' ? ' (interrupted)' : run.ended === 'outOfTime' ? ' (out of time)' : '';
  const line = `${[total, ...counts].join(', ')} in ${took}${how}`;
  return [
    line,
    ...modelNotes(run).map((note) => paint('yellow', plainLine(note))),
    ...(directory === undefined ? [] : [paint('gray', `${directory}/report.html`)]),
  ];
}
