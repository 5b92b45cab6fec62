import { relative, resolve } from 'node:path';
import { repository } from '../repository.ts';

/** A file of ours or of the user's as a message names it: below the working directory by its way from there. */
export function shownPath(file: string): string {
  const path = resolve(repository, file);
  const way = relative(process.cwd(), path);
  return way.startsWith('..') ? path : way;
}
