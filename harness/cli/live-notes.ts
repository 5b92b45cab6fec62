import { elapsed } from '../../infra/setup/progress.mjs';

/**
 * What is going on, on stderr: on a terminal a line that changes in place below the results, elsewhere a line for each
 * new note. Lines of results go to stdout and never mix with it.
 */
export class LiveNotes implements Disposable {
  readonly #startedAt = performance.now();
  readonly #notes = new Map<string, { text: string; since: number }>();
  readonly #isLive = process.stderr.isTTY === true;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor() {
    if (this.#isLive) this.#timer = setInterval(() => this.#draw(), 200);
    this.#timer?.unref();
  }

  /** What a host is busy with. */
  note(host: string, text: string): void {
    this.#notes.set(host, { text, since: performance.now() });
    if (this.#isLive) this.#draw();
    else this.line(`${host}: ${text}`);
  }

  /** A line on stderr that stays. */
  line(text: string): void {
    this.clear();
    process.stderr.write(`[${elapsed(performance.now() - this.#startedAt)}] ${text}\n`);
  }

  /** A line of results, on stdout. */
  result(text: string): void {
    this.clear();
    this.#notes.clear();
    process.stdout.write(`${text}\n`);
  }

  clear(): void {
    if (this.#isLive) process.stderr.write('\r\x1b[K');
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #draw(): void {
    const notes = [...this.#notes].map(
      ([host, { text, since }]) => `${host}: ${text} (${elapsed(performance.now() - since)})`,
    );
    const line = `[${elapsed(performance.now() - this.#startedAt)}] ${notes.join('  ') || 'running'}`;
    process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns || 120) - 1)}`);
  }
}
