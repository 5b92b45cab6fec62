/**
 * Text from a guest, a device model or a serial line is whatever an attacker likes. Files keep it as it came; terminals and
 * reports get it through here.
 */

const ESC = '\u001b';

/** CSI and OSC sequences with either introducer, then any other escape sequence. Each part is bounded by its own class. */
const ESCAPES = new RegExp(
  `(?:${ESC}\\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:${ESC}\\]|\u009d)[^\u0007${ESC}\u009c\n]*(?:\u0007|${ESC}\\\\|\u009c)?|${ESC}[ -/]*[0-~]?`,
  'gu',
);

/** Marks that turn the direction of text, so that it reads differently from what it is. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Plain text: no escape sequences, no control characters but tab and newline, no direction marks, no lone surrogates. A carriage return
 * ends a line, so that nothing can overwrite what came before it.
 */
export function plainText(text: string): string {
  return text
    .replace(ESCAPES, '')
    .replace(/\r\n?|[\u0085\u2028\u2029]/gu, '\n')
    .replace(/(?![\t\n])\p{Cc}/gu, '')
    .replace(DIRECTIONS, '')
    .replace(/\p{Cs}/gu, '\ufffd');
}

/** Plain text on one line, for a cell or a heading; at most `longest` characters. */
export function plainLine(text: string, longest = 200): string {
  const line = plainText(text).replace(/\s+/gu, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1).replace(/\p{Cs}$/u, '')}…`;
}

/** How much of a text is shown. */
export interface ExcerptSize {
  /** At most so many. */
  readonly lines: number;
  /** Of one line. */
  readonly columns: number;
}

/**
 * The beginning and the end of a long text, with a line between them that says how much is left out. The end gets two thirds: that is
 * where consoles and stacks say what happened.
 */
export function excerpt(text: string, { lines: most, columns }: ExcerptSize): string {
  // Far more than fits is dropped before it costs anything.
  const budget = most * columns * 2;
  const whole = text.length <= 2 * budget ? text : `${text.slice(0, budget)}\n…\n${text.slice(-budget)}`;
  const lines = plainText(whole)
    .replace(/\n+$/u, '')
    .split('\n')
    .map((line) => (line.length <= columns ? line : `${line.slice(0, columns - 1)}…`));
  if (lines.length <= most) return lines.join('\n');
  const head = Math.floor(most / 3);
  const tail = most - head - 1;
  const hidden = lines.length - head - tail;
  return [...lines.slice(0, head), `… ${hidden} lines left out …`, ...lines.slice(-tail)].join('\n');
}
