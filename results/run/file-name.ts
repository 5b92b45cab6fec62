import { createHash } from 'node:crypto';

/** Everything else is encoded, `%` itself too, so that two texts never give the same name. */
const UNSAFE = /[^A-Za-z0-9._+@-]/gu;

const DIGEST_LENGTH = 16;

function percentEncoded(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/**
 * Any text as the name of one file: never empty, hidden, `.` or `..`, with no separator. Letters, digits and `._+@-` stay as
 * they are, the rest becomes `%XX`. At most `longest` bytes (file systems take 255).
 */
export function fileName(text: string, longest = 200): string {
  const encoded = text.replace(UNSAFE, percentEncoded).replace(/^[.-]/, percentEncoded);
  return encoded === '' ? '%' : shortened(encoded, longest);
}

/**
 * A name that is too long keeps its beginning and gets a digest of the whole. `~` before it, which {@link fileName} encodes
 * wherever else it occurs, so that no short name looks like a shortened one.
 */
export function shortened(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST_LENGTH);
  return `${name.slice(0, longest - DIGEST_LENGTH - 1)}~${digest}`;
}
