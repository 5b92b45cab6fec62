import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repository } from '../repository.ts';
import { findScenarios } from '../run/select.ts';
import { mutate } from './mutant.ts';
import { mutants } from './mutants.ts';
import { readTable } from './table.ts';

it('has at least thirty, of every part, each with a name of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(30);
  expect(new Set(mutants.map(({ part }) => part))).toEqual(new Set(['dispatch', 'model', 'guest']));
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

it.each(mutants.map((one) => [one.name, one] as const))('finds its place: %s', async (_name, mutant) => {
  const text = await readFile(join(repository, mutant.file), 'utf8');
  const mutated = mutate(mutant, text);
  expect(mutated).not.toBe(text);
});

it('refuses a place that is not there, or there twice', () => {
  const mutant = { name: 'none', part: 'model', file: 'a.ts', from: 'x', to: 'y' } as const;
  expect(() => mutate(mutant, 'abc')).toThrow('0 places');
  expect(() => mutate(mutant, 'axbx')).toThrow('2 places');
});

it('knows of at least thirty a scenario that sees it, and no scenario that is not there', async () => {
  const table = await readTable();
  const ids = new Set((await findScenarios(join(repository, 'scenarios'))).map(({ id }) => id));
  expect(Object.keys(table).sort()).toEqual(mutants.map(({ name }) => name).sort());
  for (const [name, caughtBy] of Object.entries(table)) for (const id of caughtBy) expect(ids, name).toContain(id);
  expect(Object.values(table).filter((caughtBy) => caughtBy.length > 0).length).toBeGreaterThanOrEqual(30);
});
