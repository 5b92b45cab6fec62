import { describe, expect, it } from 'vitest';
import { entryPoints } from '../../harness/entry-points.ts';
import { publicNames } from './public-names.ts';

/** Names that are another package's. */
const foreign = ['expect'];

describe.each(Object.entries(entryPoints))('%s', (entry, file) => {
  it('has a docstring for every name', () => {
    expect(publicNames(entry).filter(({ docstring }) => docstring === undefined)).toEqual([]);
  });

  it('has all names that it exports when it is loaded', async () => {
    const loaded = Object.keys((await import(file)) as object).filter((name) => !foreign.includes(name));
    const names = publicNames(entry).map(({ name }) => name);
    expect(loaded.filter((name) => !names.includes(name))).toEqual([]);
  });
});

it('knows a docstring from a comment above it', () => {
  const one = publicNames('ioreqlab/device').find(({ name }) => name === 'port');
  expect(one).toEqual({
    ...{ name: 'port', kind: 'function', file: 'src/device/region.ts' },
    docstring: expect.stringMatching(/^Ports of a device\.\n\n@throws LabError `REGION_INVALID`/) as string,
  });
});
