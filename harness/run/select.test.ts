import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Harm } from '../scenario/harm.ts';
import { byHarmAndId, findScenarios, nearest, selectScenarios, withHarm, type ScenarioFile } from './select.ts';

const all = ['port-io/scratch', 'port-io/widths', 'port-io-extra/one', 'memory/widths'].map((id) => ({
  id,
  file: `/s/${id}`,
  harms: 'none' as const,
}));
const ids = (...words: string[]): string[] => selectScenarios(all, words, '/s').map(({ id }) => id);

describe('scenarios', () => {
  it('are found below a directory, in order, and nothing else', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-select-'));
    for (const file of [
      'b/two.scenario.ts',
      'a/one.scenario.ts',
      'a/one.device.ts',
      'node_modules/x/no.scenario.ts',
      'top.scenario.ts',
    ]) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), file.startsWith('b/') ? "scenario('x', { harms: 'dom0' }, body);" : '');
    }
    const found = await findScenarios(directory);
    rmSync(directory, { recursive: true });
    expect(found).toEqual(
      ['a/one', 'b/two', 'top'].map((id) => ({
        ...{ id, file: join(directory, `${id}.scenario.ts`), harms: id === 'b/two' ? 'dom0' : 'none' },
      })),
    );
  });

  it('take along what was allowed, unless one is named', () => {
    const one = (id: string, harms: Harm) => ({ id, file: `/s/${id}`, harms });
    const files = [one('a/z', 'host'), one('b/a', 'none'), one('b/b', 'guest'), one('c/d', 'dom0'), one('d/a', 'none')];
    const ids = (some: readonly ScenarioFile[]): string[] => some.map(({ id }) => id);
    expect(ids(withHarm(files, 'guest', []))).toEqual(['b/a', 'b/b', 'd/a']);
    expect(ids(withHarm(files, 'none', ['a', 'b']))).toEqual(['b/a', 'd/a']);
    expect(ids(withHarm(files, 'none', ['a/z']))).toEqual(['a/z', 'b/a', 'd/a']);
    // What may end the host comes last, when nothing is left that it could spoil.
    expect(ids([...files].sort(byHarmAndId))).toEqual(['b/a', 'b/b', 'd/a', 'c/d', 'a/z']);
  });

  it('that cannot be looked for are an error of usage', async () => {
    await expect(findScenarios('/no/such/directory')).rejects.toMatchObject({
      ...{ blame: 'usage', code: 'NO_SCENARIOS', next: expect.stringContaining('--scenarios') },
    });
  });

  it('are selected by ids and topics, each once and in their order', () => {
    expect(ids()).toEqual(all.map(({ id }) => id));
    expect(ids('memory/widths', 'port-io')).toEqual(['port-io/scratch', 'port-io/widths', 'memory/widths']);
    expect(ids('port-io/', 'port-io/scratch')).toEqual(['port-io/scratch', 'port-io/widths']);
    expect(ids('port-io/widths.scenario.ts')).toEqual(['port-io/widths']);
  });

  it('are selected by paths as well, as a shell completes them', () => {
    expect(ids('/s/memory/', '/s/port-io/widths.scenario.ts')).toEqual(['port-io/widths', 'memory/widths']);
    expect(() => ids('/elsewhere/memory')).toThrow(/no scenario/);
  });

  it('that do not exist are told with what comes near', () => {
    for (const [word, message] of [
      ['port-io/scrach', 'no scenario "port-io/scrach"; did you mean port-io/scratch?'],
      ['memry', 'no scenario "memry"; did you mean memory?'],
      ['something-else-altogether', 'no scenario "something-else-altogether"'],
      ['widths', 'no scenario "widths"'],
      ['port-io/width', 'no scenario "port-io/width"; did you mean port-io/widths?'],
      ['', 'no scenario ""'],
    ] as const) {
      expect(() => ids('memory', word)).toThrow(
        expect.objectContaining({ message, blame: 'usage', code: 'SCENARIO_UNKNOWN', next: 'ioreqlab list' }) as Error,
      );
    }
  });
});

describe('the nearest word', () => {
  it('is the word itself when it is there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.nat(), (words, at) => {
        const word = words[at % words.length] as string;
        expect(nearest(word, words)).toBe(word);
      }),
    );
  });

  it('may differ by a letter that is wrong, missing or too much', () => {
    const word = fc.string({ minLength: 4, maxLength: 30 });
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom('wrong', 'missing', 'more'), (text, place, how) => {
        const at = place % text.length;
        const kept = how === 'missing' || how === 'wrong' ? text.slice(at + 1) : text.slice(at);
        const changed = `${text.slice(0, at)}${how === 'missing' ? '' : 'Z'}${kept}`;
        expect(nearest(changed, ['nothing like the others at all, and long', text])).toBe(text);
      }),
    );
  });

  it('is none when all are far', () => {
    expect(nearest('abcdef', ['uvwxyz', 'abcuvw'])).toBeUndefined();
    expect(nearest('abcdef', [])).toBeUndefined();
  });
});
