import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FakeXen } from './fake/fake-xen.ts';

const { addonFile } = new FakeXen();
const objdump = (option: string): string => execFileSync('objdump', [option, addonFile], { encoding: 'utf8' });

describe('the addon loads in dom0', () => {
  it('of Debian 10 and everything later: no symbol is newer than glibc 2.28', () => {
    const versions = [...objdump('-T').matchAll(/\bGLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [major, minor]);
    expect(versions.length).toBeGreaterThan(0);
    for (const [major, minor] of versions) {
      expect(Number(major)).toBe(2);
      expect(Number(minor)).toBeLessThanOrEqual(28);
    }
  });

  it('without any library but libc: those of Xen are found at run time', () => {
    const needed = [...objdump('-p').matchAll(/^ +NEEDED +(\S+)$/gm)].map(([, library]) => library);
    expect(needed).toEqual(['libc.so.6']);
  });

  it('with Node and libuv as the only others that it takes symbols from', () => {
    const symbols = execFileSync('nm', ['-D', '--undefined-only', '--format=just-symbols', addonFile], {
      encoding: 'utf8',
    });
    const unversioned = symbols
      .trim()
      .split('\n')
      .filter((name) => !name.includes('@GLIBC_'));
    expect(unversioned.length).toBeGreaterThan(10);
    const foreign = unversioned.filter((name) => !/^(napi_|uv_|_ITM_|__gmon_start__)/.test(name));
    expect(foreign).toEqual([]);
  });
});
