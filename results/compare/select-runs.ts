import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LabError } from '../../src/errors.ts';
import { listRuns, runDirectory, type ListedRun } from '../run/list-runs.ts';
import { readRun } from '../run/read-run.ts';
import { isRunId } from '../run/run-id.ts';
import type { StoredRun } from './measured-set.ts';

/**
 * The runs that a user means by a list of words with commas between, each once: ids, paths, `latest`, `latest~2` (the second
 * before the latest), patterns with `*` and `?` of ids or of the last part of a path, and directories full of runs. `@host`
 * behind one leaves only what was measured on that host.
 *
 * @param root where runs are looked for by their id
 * @throws LabError `NO_SUCH_RUN`, `RUN_NOT_FINISHED`, `RUN_INVALID`, `HOST_NOT_IN_RUN`
 */
export async function selectRuns(root: string, words: string): Promise<StoredRun[]> {
  const found = new Map<string, StoredRun>();
  for (const word of words.split(',').filter((one) => one !== '')) {
    const [what = '', host] = splitHost(word);
    for (const directory of await directoriesOf(root, what)) {
      const run = await readRun(directory);
      // Through `latest`, a link and an id it may be the same one.
      const real = await realpath(directory);
      const key = `${real}@${host ?? ''}`;
      if (!found.has(key)) found.set(key, { run: host === undefined ? run : onlyOn(run, host, word), directory: real });
    }
  }
  if (found.size === 0) throw noSuchRun(words, 'names no run');
  return [...found.values()];
}

function splitHost(word: string): [string, string | undefined] {
  const at = word.lastIndexOf('@');
  // An @ in a directory's name is part of it.
  return at < 0 || word.slice(at).includes('/') ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function onlyOn(run: StoredRun['run'], host: string, word: string): StoredRun['run'] {
  const hosts = run.hosts.filter(({ name }) => name === host);
  if (hosts.length > 0) return { ...run, hosts, scenarios: run.scenarios.filter((record) => record.host === host) };
  throw new LabError(`${word}: run ${run.id} was not on ${host}`, {
    blame: 'usage',
    code: 'HOST_NOT_IN_RUN',
    next: `it was on ${run.hosts.map(({ name }) => name).join(', ')}`,
  });
}

async function directoriesOf(root: string, word: string): Promise<string[]> {
  const back = /^latest~(\d{1,4})$/.exec(word)?.[1];
  if (back !== undefined) return [await beforeLatest(root, Number(back), word)];
  if (/[*?]/.test(word)) return await matching(root, word);
  if (word === 'latest' || isRunId(word)) return [runDirectory(root, word)];
  const path = resolve(word);
  const inside = await finishedRuns(path).catch(() => []);
  return inside.length > 0 ? inside.map(({ directory }) => directory) : [path];
}

async function finishedRuns(directory: string): Promise<ListedRun[]> {
  return (await listRuns(directory)).filter(({ state }) => state === 'finished');
}

async function beforeLatest(root: string, back: number, word: string): Promise<string> {
  const newest = await realpath(runDirectory(root, 'latest')).catch(() => undefined);
  const finished = await finishedRuns(root);
  const at = newest === undefined ? 0 : finished.findIndex(({ id }) => id === basename(newest));
  const found = finished[Math.max(0, at) + back];
  if (found === undefined) throw noSuchRun(word, `there are ${finished.length} finished runs in ${root}`);
  return found.directory;
}

/** A pattern of ids, or a path whose last part is a pattern. */
async function matching(root: string, word: string): Promise<string[]> {
  const [parent, pattern] = word.includes('/') ? [resolve(dirname(word)), basename(word)] : [root, word];
  if (/[*?]/.test(parent)) throw noSuchRun(word, 'only the last part of a path may be a pattern');
  const text = pattern.replaceAll(/[^*?]/g, (letter) => letter.replace(/[\\^$.*+?()[\]{}|]/, String.raw`\$&`));
  const fits = new RegExp(`^${text.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  const names = await readdir(parent).catch(() => []);
  const runs = names.filter((name) => name !== 'latest' && fits.test(name)).sort();
  const finished = new Set((await finishedRuns(parent)).map(({ id }) => id));
  // A run that goes on, or was killed, is no reason to refuse all others.
  const directories = runs.filter((name) => !isRunId(name) || finished.has(name)).map((name) => join(parent, name));
  if (directories.length === 0) throw noSuchRun(word, `nothing in ${parent} fits`);
  return directories;
}

function noSuchRun(word: string, why: string): LabError {
  return new LabError(`${word}: ${why}`, { blame: 'usage', code: 'NO_SUCH_RUN', next: 'ioreqlab show --list' });
}
