import { operationToText, type Program, type ProgramResults } from '../../guests/program/index.ts';
import { LabError } from '../../src/errors.ts';
import {
  checkTrace,
  type ConfigLatch,
  type OracleRun,
  type TraceRange,
  type TraceServer,
} from '../../src/model/oracle/check-trace.ts';
import { formatComparisons, type Comparison } from '../../src/model/oracle/describe.ts';
import { notingMissing, type OracleRules } from '../../src/model/oracle/rules.ts';
import type { XenChangeName } from '../../src/model/xen/versions.ts';
import { readTrace, type TraceRecord } from '../../src/trace/record.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { setupOf } from './guest-frames.ts';
import { stepsOf } from './steps-of.ts';

/** What an {@link OracleWatch} looks at. */
export interface Watched {
  readonly guest: Pick<GuestSession, 'environment' | 'trace'>;
  /** The host's version of Xen. */
  readonly xenVersion: () => Promise<string>;
  /** The servers as they are now, in the order of their ids; each keeps its array of ranges as long as it is there, by which it is known. */
  readonly servers: () => readonly TraceServer[];
  /** Told of what is as this version of Xen makes it, and not as one would that has these changes; and what differs. */
  readonly onKnown?: (changes: readonly XenChangeName[], difference: string) => void;
  /** Keeps what was done so far, for `ioreqlab replay`; gives what to say of it. */
  readonly keep?: ((found: Mismatch) => Promise<string>) | undefined;
}

/** What was found to be wrong first. */
export interface Mismatch {
  readonly programs: readonly Program[];
  readonly servers: readonly TraceServer[];
  readonly comparison: Comparison;
}

/** Lines of a program that are shown on each side of an operation. */
const shownAround = 20;

function markedProgram(program: Program | undefined, operation: number | undefined): string {
  const lines = (program?.operations ?? []).map((one, i) => `  ${i === operation ? '>' : ' '} ${operationToText(one)}`);
  const from = Math.max(0, (operation ?? lines.length - 1) - shownAround);
  const shown = lines.slice(from, from + 2 * shownAround + 1);
  const more = (count: number): string[] => (count > 0 ? [`    ... ${count} more`] : []);
  return [...more(from), ...shown, ...more(lines.length - from - shown.length)].join('\n');
}

interface Run {
  readonly label: string;
  /** As they were then, under names of their own. */
  readonly servers: readonly TraceServer[];
  readonly programs: readonly Program[];
  readonly results: readonly ProgramResults[];
}

/** Keeps what a scenario's guest has run, until it is held against the traces of the guest's servers. */
export class OracleWatch {
  readonly #watched: Watched;
  readonly #latch: ConfigLatch = { address: undefined };
  /** By a server's ranges: the sequence of its next record that was not looked at. */
  readonly #looked = new WeakMap<readonly TraceRange[], number>();
  /** By a server's ranges: what it is called here, where one that was closed may have had its name. */
  readonly #names = new WeakMap<readonly TraceRange[], string>();
  readonly #named = new Map<string, number>();
  /** What is left to be looked at of servers that are no more. */
  readonly #closed = new Map<string, TraceRecord[]>();
  #runs: Run[] = [];
  /** Those that were compared last. */
  #compared: readonly Run[] = [];
  #count = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** What was run last gave. */
  last: ProgramResults | undefined;

  /** Takes note of a run that has ended. */
  note(programs: readonly Program[], results: readonly ProgramResults[]): void {
    this.last = results[0];
    const servers = this.#watched.servers().map((server) => {
      return { ...server, name: this.#nameOf(server), ranges: [...server.ranges] };
    });
    this.#runs.push({ label: `run ${++this.#count}`, servers, programs, results: [...results] });
  }

  /** Takes note of what a server that was closed has seen, all of it. */
  noteClosed(server: TraceServer, trace: Uint8Array): void {
    const records = this.#newRecords(server, trace);
    if (records.length > 0) this.#closed.set(this.#nameOf(server), records);
  }

  /** Whether something was run that has not been looked at. */
  get isBehind(): boolean {
    return this.#runs.length > 0 || this.#closed.size > 0;
  }

  /**
   * Compares all runs since the last time with the traces.
   *
   * @throws LabError `TRACE_OVERFLOW`, `ORACLE_UNKNOWN_CODE` with blame `scenario`; `XEN_MODEL_UNKNOWN`
   */
  async check(): Promise<Comparison[]> {
    const { guest, xenVersion } = this.#watched;
    const runs = this.#runs.map(({ label, servers, programs, results }): OracleRun => {
      const vcpus = programs.map((program, i) => {
        return { vcpu: results[i]?.vcpu ?? i, steps: stepsOf(program, results[i]?.results ?? []) };
      });
      return { label, servers, vcpus };
    });
    const setup = setupOf(guest.environment, await xenVersion());
    const traces = new Map(this.#closed);
    for (const server of this.#watched.servers()) {
      const looked = this.#looked.get(server.ranges) ?? 0;
      const trace = await guest.trace(server.name, undefined, looked);
      traces.set(this.#nameOf(server), this.#newRecords(server, trace));
    }
    this.#compared = this.#runs;
    this.#runs = [];
    this.#closed.clear();
    const compare = (rules: OracleRules, latch: ConfigLatch): Comparison[] =>
      checkTrace({ ...setup, rules }, runs, traces, latch);
    const before = { ...this.#latch };
    const missing = new Set<XenChangeName>();
    const comparisons = compare(notingMissing(setup.rules, missing), this.#latch);
    if (missing.size === 0 || formatComparisons(comparisons) !== '') return comparisons;
    // Right for this version. Is it what Xen should do?
    const newer = (changes: readonly XenChangeName[]): OracleRules => ({
      ...setup.rules,
      ...Object.fromEntries(changes.map((name) => [name, true])),
    });
    const differs = (changes: readonly XenChangeName[]): boolean =>
      formatComparisons(compare(newer(changes), { ...before })) !== '';
    const difference = formatComparisons(compare(newer([...missing]), { ...before }));
    if (difference === '') return comparisons;
    const each = [...missing].filter((name) => differs([name]));
    this.#watched.onKnown?.(each.length > 0 ? each : [...missing], difference);
    return comparisons;
  }

  /** The program in which something is wrong first, with a mark there, and where to find it all. */
  async explain(comparisons: readonly Comparison[]): Promise<string> {
    const comparison = comparisons.find(({ rows }) => rows.some(({ isSame }) => !isSame));
    const run = this.#compared[comparison?.at?.run ?? -1];
    if (comparison === undefined || run === undefined) return '';
    const { vcpu = 0, operation } = comparison.at ?? {};
    const { programs, servers } = run;
    const i = run.results.findIndex((results) => results.vcpu === vcpu);
    const text = markedProgram(programs[i], operation);
    const kept = (await this.#watched.keep?.({ programs, servers, comparison })) ?? '';
    return [`the program of ${run.label}, vCPU ${vcpu}:`, text, ...(kept === '' ? [] : [kept])].join('\n');
  }

  #nameOf({ name, ranges }: TraceServer): string {
    const known = this.#names.get(ranges);
    if (known !== undefined) return known;
    const count = (this.#named.get(name) ?? 0) + 1;
    this.#named.set(name, count);
    const called = count === 1 ? name : `${name} (${count})`;
    this.#names.set(ranges, called);
    return called;
  }

  #newRecords({ name, ranges }: TraceServer, trace: Uint8Array): TraceRecord[] {
    const looked = this.#looked.get(ranges) ?? 0;
    const records = readTrace(trace).filter(({ sequence }) => sequence >= looked);
    const [first] = records;
    if (first !== undefined && first.sequence !== looked) {
      throw new LabError(
        `the trace of server ${name} begins with its request ${first.sequence}; ${looked} is what the oracle needs`,
        {
          blame: 'scenario',
          code: 'TRACE_OVERFLOW',
          next: 'match the oracle more often: a trace holds the newest 16384 requests',
        },
      );
    }
    this.#looked.set(ranges, looked + records.length);
    return records;
  }
}
