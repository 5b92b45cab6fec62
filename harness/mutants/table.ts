import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const file = join(import.meta.dirname, 'caught-by.json');

/** Which scenarios catch a mutant, by its name: ids of the catalogue. */
export type CaughtBy = Readonly<Record<string, readonly string[]>>;

const shape = z.record(z.string(), z.array(z.string()));

/** The table of the project. */
export async function readTable(): Promise<CaughtBy> {
  return shape.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** Replaces it. */
export async function writeTable(table: CaughtBy): Promise<void> {
  await writeFile(file, `${JSON.stringify(table, undefined, 2)}\n`);
}
