/** What of the project a mutant breaks: the device model's way from a request to a handler, the model of Xen, the guest. */
export type MutantPart = 'dispatch' | 'model' | 'guest';

/** A deliberate bug: one place in one file, changed in a copy of the project. */
export interface Mutant {
  /** What is wrong, in a few words: its name in the table. */
  readonly name: string;
  readonly part: MutantPart;
  /** Below the project. */
  readonly file: string;
  /** Text that is there exactly once. */
  readonly from: string;
  readonly to: string;
}

/**
 * The file's text with the bug in it.
 *
 * @throws Error when the place is not there, or not once: the mutant has to follow the code
 */
export function mutate({ name, file, from, to }: Mutant, text: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) {
    throw new Error(`${name}: ${file} has ${parts.length - 1} places ${JSON.stringify(from)}, and one is needed`);
  }
  return parts.join(to);
}
