import { programError } from './check-values.ts';

/**
 * The words of one line of a program's text: a name, then positional words, `key=value` options and flags in any order.
 * Every problem is a LabError with blame `scenario`.
 */
export class Words {
  readonly #positional: string[] = [];
  readonly #options = new Map<string, string>();

  constructor(line: string) {
    for (const word of line.trim().split(/\s+/)) {
      const equals = word.indexOf('=');
      if (equals < 0) {
        this.#positional.push(word);
        continue;
      }
      const key = word.slice(0, equals);
      if (this.#options.has(key)) throw programError(`${key}= is given twice`);
      this.#options.set(key, word.slice(equals + 1));
    }
  }

  /** The next positional word. */
  next(what: string): string {
    const word = this.#positional.shift();
    if (word === undefined) throw programError(`${what} is missing`);
    return word;
  }

  /** The next positional word as a value, decimal or 0x... */
  quantity(what: string): bigint {
    return parseQuantity(what, this.next(what));
  }

  /** The same, as a number below 2^53. */
  number(what: string): number {
    return exactNumber(what, this.quantity(what));
  }

  /** The value of an option that must be there. */
  required(key: string): bigint {
    const value = this.option(key);
    if (value === undefined) throw programError(`${key}= is missing`);
    return value;
  }

  /** The value of an option. */
  option(key: string): bigint | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : parseQuantity(key, text);
  }

  /** The value of an option as a number below 2^53. */
  numberOption(key: string): number | undefined {
    const value = this.option(key);
    return value === undefined ? undefined : exactNumber(key, value);
  }

  /** The text of an option. */
  text(key: string): string | undefined {
    const text = this.#options.get(key);
    this.#options.delete(key);
    return text;
  }

  /** Whether a flag is there. */
  flag(name: string): boolean {
    const index = this.#positional.indexOf(name);
    if (index >= 0) this.#positional.splice(index, 1);
    return index >= 0;
  }

  /** Throws when something on the line was not understood. */
  end(): void {
    const [word] = [...this.#positional, ...[...this.#options.keys()].map((key) => `${key}=`)];
    if (word !== undefined) throw programError(`"${word}" is not understood`);
  }
}

function parseQuantity(what: string, text: string): bigint {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text))
    throw programError(`${what} must be a number (decimal or 0x...), not "${text}"`);
  return BigInt(text);
}

function exactNumber(what: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw programError(`${what} is too large`);
  return Number(value);
}

/** Bytes as pairs of hexadecimal digits; `-` for none. */
export function bytesToText(bytes: Uint8Array): string {
  return bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex');
}

/** The inverse of {@link bytesToText}. */
export function bytesFromText(what: string, text: string): Uint8Array {
  if (text === '-') return new Uint8Array();
  if (!/^([0-9a-f]{2})+$/i.test(text)) throw programError(`${what} must be pairs of hexadecimal digits, not "${text}"`);
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
