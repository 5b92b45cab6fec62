import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../src/errors.ts';
import { findCrash } from '../host/crash-signatures.ts';

/** How long the end of a machine may come after that of its connections, to be what explains it. */
const graceMs = 1_000;

/** What made a host useless in the middle of a run, if anything did: the first sign of it, and what explains that. */
export class HostFailure {
  readonly #serialLog: string;
  readonly #interrupted: AbortSignal;
  readonly #onFailure: () => void;
  readonly #controller = new AbortController();
  #died: Promise<LabError> | undefined;
  #error: LabError | undefined;
  #explained: Promise<void> | undefined;
  #isOver = false;

  /**
   * @param serialLog where the console is, if the host has one that we can read
   * @param interrupted once it is aborted nothing is a failure any more: then it is we who end the host
   * @param onFailure called once, when `error` says all that is known
   */
  constructor(serialLog: string, interrupted: AbortSignal, onFailure: () => void) {
    this.#serialLog = serialLog;
    this.#interrupted = interrupted;
    this.#onFailure = onFailure;
  }

  /** Aborted at the first sign. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get error(): LabError | undefined {
    return this.#error;
  }

  /** The end of the machine is a failure, and explains others. */
  watch(died: Promise<LabError>): void {
    this.#died = died;
    void died.then(async (error) => await this.report(error));
  }

  /** From now on, too, nothing is a failure any more. */
  close(): void {
    this.#isOver = true;
  }

  /** Takes note of a sign. Resolves when `error` says all that is known. */
  async report(error: LabError): Promise<void> {
    if (this.#explained === undefined && (this.#isOver || this.#interrupted.aborted)) return;
    this.#explained ??= this.#explain(error);
    await this.#explained;
  }

  async #explain(error: LabError): Promise<void> {
    this.#error = error;
    this.#controller.abort(error);
    const isLoss = error.code === 'HOST_LOST' || error.code === 'AGENT_LOST';
    if (isLoss && this.#died !== undefined) {
      this.#error = (await Promise.race([this.#died, sleep(graceMs, undefined, { ref: false })])) ?? error;
    }
    const crash = findCrash(await readFile(this.#serialLog, 'utf8').catch(() => ''));
    if (crash !== undefined) {
      this.#error = new LabError(`${crash.crashed} crashed: ${crash.line}`, {
        blame: 'host',
        code: crash.crashed === 'xen' ? 'XEN_CRASHED' : 'DOM0_CRASHED',
        next: `look at ${this.#serialLog}`,
        cause: error,
      });
    }
    this.#onFailure();
  }
}
