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

/** What was measured of one server in one mode, in nanoseconds: medians over the rounds. */
export interface Figures {
  readonly p50: number;
  readonly p99: number;
}

/** TypeScript and C side by side. */
export interface Comparison {
  readonly ts: Figures;
  readonly c: Figures;
  /** The median of the ratios of neighbouring rounds: what slows the machine for a while slows both. */
  readonly tsOverC: number;
  /** Between which values the middle half of those ratios lies. */
  readonly middle: readonly [number, number];
}

/** The result of a bench. */
export interface Summary {
  readonly modes: Readonly<Record<Mode, Comparison>>;
  /** Of each server, cold, in nanoseconds: a write, blocking. */
  readonly first: Readonly<Record<Server, number>>;
}

/** A middle half that is wider tells of a machine with too much other work. */
const quietWidth = 0.1;

/** Whether the figures are worth anything. */
export function wasQuiet({ middle: [low, high] }: Comparison): boolean {
  return high - low <= quietWidth;
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
    const { ts, c } = rounds[mode];
    if (ts.length === 0 || ts.length !== c.length) {
      throw new LabError('a server was not measured', { blame: 'harness', code: 'BENCH_FAILED' });
    }
    const ratios = ts.map(({ p50 }, i) => p50 / (c[i]?.p50 ?? NaN));
    return {
      ts: figures(ts),
      c: figures(c),
      tsOverC: quantile(ratios, 0.5),
      middle: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    };
  };
  return { modes: { blocking: compare('blocking'), spinning: compare('spinning') }, first };
}

function figures(rounds: readonly Round[]): Figures {
  const median = (of: 'p50' | 'p99'): number =>
    quantile(
      rounds.map((round) => round[of]),
      0.5,
    );
  return { p50: median('p50'), p99: median('p99') };
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.round((values.length - 1) * share)] ?? NaN;
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
    'one round trip, in ns    C p50   TS p50    C p99   TS p99   TS/C  its middle half    goal',
    ...modes.map((mode) => {
      const { c, ts, tsOverC, middle } = summary.modes[mode];
      const figures = [c.p50, ts.p50, c.p99, ts.p99].map(cell).join('');
      const half = middle.map((ratio) => ratio.toFixed(3)).join(' to ');
      const verdict = tsOverC <= goals[mode] ? '' : '  missed';
      return `  ${mode.padEnd(18)} ${figures}  ${tsOverC.toFixed(3)}   ${half}    ${goals[mode].toFixed(2)}${verdict}`;
    }),
    `  first, cold        ${cell(summary.first.c)}${cell(summary.first.ts)}`,
  ];
  const busy = modes.filter((mode) => !wasQuiet(summary.modes[mode]));
  if (busy.length > 0) {
    lines.push(
      `The machine had too much other work: the ratio changes from round to round (${busy.join(', ')}). Do not trust it;`,
      '  next: end what else runs, or measure for longer: npm run bench -- --rounds 200',
    );
  }
  return lines.join('\n');
}
