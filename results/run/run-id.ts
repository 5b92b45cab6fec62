import { randomInt } from 'node:crypto';

/** No vowels, so that no word appears; no `l`, `o`, `0`, `1`, which look alike. */
const LETTERS = '23456789bcdfghjkmnpqrstvwxz';

/** A run's name: UTC time, so that names sort by age, and 6 random letters (387 million), as in `20261122T141503Z-k3f9qt`. */
export function newRunId(now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const random = Array.from({ length: 6 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return `${time}-${random}`;
}

/** True for names that {@link newRunId} could have made. */
export function isRunId(name: string): boolean {
  return /^\d{8}T\d{6}Z-[2-9b-z]{6}$/.test(name);
}
