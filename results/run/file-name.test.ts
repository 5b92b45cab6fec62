import fc from 'fast-check';
import { join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileName } from './file-name.ts';
import { attemptDirectory, paramsText, placeDirectory } from './scenario-place.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '.', '..', '/', '../..', '-rf', 'a/b', '\0', '~', '%2F'),
);

describe('a file name', () => {
  test('is one safe segment, whatever the text', () => {
    fc.assert(
      fc.property(text, (any) => {
        const name = fileName(any);
        expect(name).toMatch(/^[A-Za-z0-9_+@%][A-Za-z0-9._+@%~-]*$/);
        expect(name.length).toBeLessThanOrEqual(200);
        expect(normalize(join('/root', name))).toBe(`/root/${name}`);
      }),
    );
  });

  test('differs for different texts', () => {
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 20 }), (texts) => {
        // Lone surrogates have no UTF-8 form of their own: all of them become U+FFFD.
        const distinct = new Set(texts.map((one) => Buffer.from(one).toString()));
        expect(new Set(texts.map((one) => fileName(one))).size).toBe(distinct.size);
      }),
    );
  });

  test('stays readable where it can', () => {
    expect(fileName('emulated-4.20')).toBe('emulated-4.20');
    expect(fileName('a b/c')).toBe('a%20b%2Fc');
    expect(fileName('..')).toBe('%2E.');
  });

  test('of long texts with the same beginning differs', () => {
    const long = 'x'.repeat(300);
    expect(fileName(`${long}a`)).not.toBe(fileName(`${long}b`));
    expect(fileName(long)).toHaveLength(200);
  });
});

describe('the directory of a variant', () => {
  test('reads like the scenario', () => {
    const place = { id: 'port-io/widths', host: 'emulated-4.20', params: { vcpus: 4, environment: 'pvh' } };
    expect(placeDirectory(place)).toBe('scenarios/port-io/widths/emulated-4.20~environment=pvh,vcpus=4');
    expect(attemptDirectory({ id: 'a', host: 'b', repetition: 2 }, 3)).toBe('scenarios/a/b~repetition=2/attempt-3');
    expect(paramsText(place.params)).toBe('environment=pvh vcpus=4');
    expect(paramsText({})).toBe('');
  });

  test('never leads out of the run, and each segment fits a file system', () => {
    const params = fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean()));
    fc.assert(
      fc.property(text, text, params, (id, host, some) => {
        const directory = placeDirectory({ id, host, params: some });
        expect(normalize(join('/run', directory))).toBe(`/run/${directory}`);
        for (const segment of directory.split('/')) expect(segment.length).toBeLessThanOrEqual(255);
      }),
    );
  });

  test('tells a slash in a host from a directory', () => {
    expect(placeDirectory({ id: 'a', host: 'b/c' })).not.toBe(placeDirectory({ id: 'a/b', host: 'c' }));
    expect(placeDirectory({ id: '../../etc', host: '..' })).toBe('scenarios/%2E./%2E./etc/%2E.');
  });
});
