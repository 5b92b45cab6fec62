import { LabError } from '../errors.ts';

/** `blocking`: both sides sleep and share a processor. `spinning`: both look, each on a processor of its own. */
export const modes = ['blocking', 'spinning'] as const;
export type Mode = (typeof modes)[number];

/** How many times the C server's round trip the TypeScript server's may take, at the median. */
export const goals: Readonly<Record<Mode, number>> = { blocking: 1.1, spinning: 1.25 };

const servers = ['ts', 'c'] as const;
type Server = (typeof servers)[number];

interface Round {
  readonly p50: number;
  readonly p99: number;
}

/** What was measured of one server in one mode, in nanoseconds. */
export interface Figures {
  /** Medians of the better half of the rounds, by p50: what else the machine does only ever slows a round. */
  readonly p50: number;
  readonly p99: number;
  /** Over all rounds: the third quartile of p50 over the first. */
  readonly spread: number;
}

/** TypeScript and C side by side. */
export interface Comparison {
  readonly ts: Figures;
  readonly c: Figures;
  readonly tsOverC: number;
}

/** The result of a bench. */
export interface Summary {
  readonly modes: Readonly<Record<Mode, Comparison>>;
  /** Of each server, cold, in nanoseconds: a write, blocking. */
  readonly first: Readonly<Record<Server, number>>;
}

/** Rounds that differ by more than this tell of a machine with other work. */
const quietSpread = 1.15;

/** Whether the figures are worth anything. */
export function wasQuiet({ ts, c }: Comparison): boolean {
  return ts.spread <= quietSpread && c.spread <= quietSpread;
}

/**
 * Makes sense of what vcpu.c printed.
 *
 * @throws LabError `BENCH_FAILED` when a round is missing
 */
export function summarize(text: string): Summary {
  const rounds = { blocking: { ts: [], c: [] }, spinning: { ts: [], c: [] } } as Record<Mode, Record<Server, Round[]>>;
  const first = { ts: NaN, c: NaN };
  for (const line of text.split('\n')) {
    const [what, ...words] = line.split(' ');
    if (what === 'first') first[words[0] as Server] = Number(words[1]);
    else if (what === 'round') {
      const [mode, server, p50, p99] = words;
      rounds[mode as Mode][server as Server].push({ p50: Number(p50), p99: Number(p99) });
    }
  }
  const compare = (mode: Mode): Comparison => {
    const ts = figures(rounds[mode].ts);
    const c = figures(rounds[mode].c);
    return { ts, c, tsOverC: ts.p50 / c.p50 };
  };
  return { modes: { blocking: compare('blocking'), spinning: compare('spinning') }, first };
}

function figures(rounds: Round[]): Figures {
  if (rounds.length === 0) throw new LabError('a server was not measured', { blame: 'harness', code: 'BENCH_FAILED' });
  const byP50 = rounds.toSorted((a, b) => a.p50 - b.p50);
  const at = (share: number): number => byP50[Math.floor((byP50.length - 1) * share)]?.p50 ?? NaN;
  const better = byP50.slice(0, Math.ceil(byP50.length / 2));
  return {
    p50: median(better.map(({ p50 }) => p50)),
    p99: median(better.map(({ p99 }) => p99)),
    spread: at(0.75) / at(0.25),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** What `--json` prints. */
export function toJson(summary: Summary): string {
  const ratio = (mode: Mode): { tsOverC: number } => ({ tsOverC: Number(summary.modes[mode].tsOverC.toFixed(3)) });
  return JSON.stringify({ blocking: ratio('blocking'), spinning: ratio('spinning') });
}

/** A table for people, and whether to believe it. */
export function toText(summary: Summary): string {
  const cell = (value: number): string => value.toFixed(0).padStart(9);
  const lines = [
    'one round trip, in ns    C p50   TS p50    TS/C   goal      C p99   TS p99   spread of rounds, C and TS',
    ...modes.map((mode) => {
      const { c, ts, tsOverC } = summary.modes[mode];
      const verdict = tsOverC <= goals[mode] ? '' : '  missed';
      const spread = `${percent(c.spread)} ${percent(ts.spread)}`;
      return `  ${mode.padEnd(18)}${cell(c.p50)}${cell(ts.p50)}${tsOverC.toFixed(3).padStart(8)}${goals[mode].toFixed(2).padStart(7)}  ${cell(c.p99)}${cell(ts.p99)}   ${spread}${verdict}`;
    }),
    `first request, cold${cell(summary.first.c)}${cell(summary.first.ts)}`,
  ];
  const busy = modes.filter((mode) => !wasQuiet(summary.modes[mode]));
  if (busy.length > 0) {
    lines.push(
      `The machine had other work: rounds of the same server differ too much (${busy.join(', ')}). Do not trust the ratios;`,
      '  next: end what else runs, or measure for longer: npm run bench -- --rounds 200',
    );
  }
  return lines.join('\n');
}

function percent(spread: number): string {
  return `${((spread - 1) * 100).toFixed(1)}%`.padStart(7);
}
