import { expect, test } from 'vitest';
import { dom0Packages } from './dom0-packages.ts';
import { defaultXenVersion, parseXenVersion, releaseOf, xenVersions } from './xen-versions.ts';

test('a known version is taken as it is', () => {
  expect(xenVersions.map(parseXenVersion)).toEqual([...xenVersions]);
  expect(parseXenVersion(' 4.17 ')).toBe('4.17');
  expect(defaultXenVersion).toBe('4.20');
});

test.each(['4.2', '', '4.20.1', 'latest', 'toString'])('%j is refused, naming the known ones', (text) => {
  expect(() => parseXenVersion(text)).toThrow(
    expect.objectContaining({
      blame: 'usage',
      code: 'XEN_UNKNOWN',
      message: expect.stringContaining('4.20, 4.17, 4.14'),
    }),
  );
});

test('every version has a Debian release and packages of its own', () => {
  expect(new Set(xenVersions.map((xen) => releaseOf(xen).suite)).size).toBe(xenVersions.length);
  expect(dom0Packages('4.14')).toContain('xen-hypervisor-4.14-amd64');
});
