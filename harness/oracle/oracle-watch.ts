import type { Program, ProgramResults } from '../../guests/program/index.ts';
import { LabError } from '../../src/errors.ts';
import { checkTrace, type ConfigLatch, type OracleRun, type TraceServer } from '../../src/model/oracle/check-trace.ts';
import type { Comparison } from '../../src/model/oracle/describe.ts';
import { rulesOf } from '../../src/model/oracle/rules.ts';
import { readTrace, type TraceRecord } from '../../src/trace/record.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { isGuestRam } from './guest-frames.ts';
import { stepsOf } from './steps-of.ts';

/** What an {@link OracleWatch} looks at. */
export interface Watched {
  readonly guest: Pick<GuestSession, 'environment' | 'trace'>;
  /** The host's version of Xen. */
  readonly xenVersion: () => Promise<string>;
  /** The servers as they are now, in the order of their ids. */
  readonly servers: () => readonly TraceServer[];
}

/** Keeps what a scenario's guest has run, until it is held against the traces of the guest's servers. */
export class OracleWatch {
  readonly #watched: Watched;
  readonly #latch: ConfigLatch = { address: undefined };
  /** By server: the sequence of its next record that was not looked at. */
  readonly #looked = new Map<string, number>();
  #runs: { label: string; servers: readonly TraceServer[]; programs: readonly Program[]; results: ProgramResults[] }[] =
    [];
  #count = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Takes note of a run that has ended. */
  note(programs: readonly Program[], results: readonly ProgramResults[]): void {
    const servers = this.#watched.servers().map(({ name, ranges }) => ({ name, ranges: [...ranges] }));
    this.#runs.push({ label: `run ${++this.#count}`, servers, programs, results: [...results] });
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
    const rules = rulesOf(await xenVersion());
    const traces = new Map<string, TraceRecord[]>();
    for (const { name } of this.#watched.servers()) traces.set(name, await this.#newRecords(name));
    this.#runs = [];
    const isRam = (address: bigint): boolean => isGuestRam(guest.environment, address);
    return checkTrace({ rules, platform: guest.environment, isRam }, runs, traces, this.#latch);
  }

  async #newRecords(server: string): Promise<TraceRecord[]> {
    const looked = this.#looked.get(server) ?? 0;
    const records = readTrace(await this.#watched.guest.trace(server)).filter(({ sequence }) => sequence >= looked);
    const [first] = records;
    if (first !== undefined && first.sequence !== looked) {
      throw new LabError(
        `the trace of server ${server} begins with its request ${first.sequence}; ${looked} is what the oracle needs`,
        {
          blame: 'scenario',
          code: 'TRACE_OVERFLOW',
          next: 'match the oracle more often: a trace holds the newest 16384 requests',
        },
      );
    }
    this.#looked.set(server, looked + records.length);
    return records;
  }
}
