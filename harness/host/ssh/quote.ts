/**
 * A command line for the remote shell from separate words: every word arrives as it is. sshd hands a command to the
 * user's shell, so there is no way around quoting.
 */
export function quoteWords(words: readonly string[]): string {
  return words
    .map((word) => {
      if (word.includes('\0')) throw new RangeError('a word of a command holds a NUL byte');
      return /^[A-Za-z0-9_@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
    })
    .join(' ');
}
