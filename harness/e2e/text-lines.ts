import type { Readable } from 'node:stream';

interface Waiter {
  readonly pattern: RegExp;
  resolve(line: string): void;
  reject(error: Error): void;
}

/** What a process prints, line by line, and who waits for some line of it. */
export class TextLines {
  text = '';
  readonly #waiters = new Set<Waiter>();
  #rest = '';
  #hasEnded = false;

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => this.#take(chunk));
    stream.on('close', () => this.#end());
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }

  /** The first line, of those printed so far and of those to come, that fits. */
  async line(pattern: RegExp): Promise<string> {
    const found = this.lines.find((line) => pattern.test(line));
    if (found !== undefined) return found;
    return await new Promise((resolve, reject) => {
      const waiter = { pattern, resolve, reject };
      if (this.#hasEnded) reject(this.#missed(waiter));
      else this.#waiters.add(waiter);
    });
  }

  #take(chunk: string): void {
    this.text += chunk;
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      for (const waiter of this.#waiters) {
        if (!waiter.pattern.test(line)) continue;
        this.#waiters.delete(waiter);
        waiter.resolve(line);
      }
    }
  }

  #end(): void {
    this.#hasEnded = true;
    for (const waiter of this.#waiters) waiter.reject(this.#missed(waiter));
    this.#waiters.clear();
  }

  #missed({ pattern }: Waiter): Error {
    return new Error(`ended without a line like ${String(pattern)}; it printed:\n${this.text}`);
  }
}
