import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { LabError, messageOf } from '../../src/errors.ts';
import { HARMS, harmOf, isAtMost, type Harm } from '../scenario/harm.ts';

const suffix = '.scenario.ts';

/** A scenario's file and its id: the path below the directory of scenarios, without the suffix. */
export interface ScenarioFile {
  readonly id: string;
  readonly file: string;
  /** What it may take along. */
  readonly harms: Harm;
}

/** All scenario files below a directory, by id. */
export async function findScenarios(directory: string): Promise<ScenarioFile[]> {
  const names = await readdir(directory, { recursive: true }).catch((error: unknown) => {
    throw new LabError(`no scenarios in ${directory}: ${messageOf(error)}`, {
      blame: 'usage',
      code: 'NO_SCENARIOS',
      next: 'name the directory that holds <topic>/<name>.scenario.ts: --scenarios DIR',
      cause: error,
    });
  });
  const found = names
    .filter((name) => name.endsWith(suffix) && !name.includes('node_modules/'))
    .map(async (name) => {
      const file = join(directory, name);
      return { id: name.slice(0, -suffix.length), file, harms: harmOf(await readFile(file, 'utf8')) };
    });
  return (await Promise.all(found)).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Those that take along no more than is allowed, and those that are named by their ids. */
export function withHarm(all: readonly ScenarioFile[], most: Harm, words: readonly string[]): ScenarioFile[] {
  return all.filter(({ id, harms }) => isAtMost(harms, most) || words.includes(id));
}

/** The order in which scenarios run: what may end a host comes last, all else by id. */
export function byHarmAndId(a: ScenarioFile, b: ScenarioFile): number {
  const rank = ({ harms }: ScenarioFile): number => (isAtMost(harms, 'guest') ? 0 : HARMS.indexOf(harms));
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}

/**
 * Those that a list of words asks for: ids, the beginning of ids up to a slash, or paths below the directory of
 * scenarios. No word at all asks for everything.
 *
 * @throws LabError `SCENARIO_UNKNOWN` for a word that fits none, with what comes near
 */
export function selectScenarios(
  all: readonly ScenarioFile[],
  words: readonly string[],
  directory: string,
): ScenarioFile[] {
  const fits = ({ id }: ScenarioFile, word: string): boolean => id === word || id.startsWith(`${word}/`);
  const wanted = words
    .map((word) => (resolve(word).startsWith(directory + sep) ? relative(directory, resolve(word)) : word))
    .map((word) => (word.endsWith(suffix) ? word.slice(0, -suffix.length) : word.replace(/\/$/, '')));
  for (const word of wanted) {
    if (all.some((one) => fits(one, word))) continue;
    const near = nearest(
      word,
      all.flatMap(({ id }) => [id, id.split('/')[0] ?? id]),
    );
    throw new LabError(`no scenario ${JSON.stringify(word)}${near === undefined ? '' : `; did you mean ${near}?`}`, {
      blame: 'usage',
      code: 'SCENARIO_UNKNOWN',
      next: 'ioreqlab list',
    });
  }
  return wanted.length === 0 ? [...all] : all.filter((one) => wanted.some((word) => fits(one, word)));
}

/** The candidate that takes the fewest changes, if they are few. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const changes = distance(word, candidate);
    if (changes < fewest) [best, fewest] = [candidate, changes];
  }
  return best;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
