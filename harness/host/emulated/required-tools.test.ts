import { expect, test } from 'vitest';
import { cacheAt } from './cache.ts';
import { requireTools, toolsToBuild } from './required-tools.ts';
import { systemPath } from './system-path.ts';

test('missing tools are named together with the command that installs them', async () => {
  const error = await requireTools(toolsToBuild, '/nowhere').catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    blame: 'usage',
    code: 'TOOL_MISSING',
    message: expect.stringContaining('qemu-system-x86_64'),
    next: expect.stringMatching(/apt-get install .*mmdebstrap.*qemu-system-x86/),
  });
});

test('a file can be required as well', async () => {
  await requireTools({ sh: 'dash', '/dev/null': 'nothing' });
  await expect(requireTools({ '/no/such/file': 'a-package' })).rejects.toMatchObject({
    next: expect.stringContaining('a-package'),
  });
});

test("administrators' tools are found by everybody", () => {
  expect(systemPath({ PATH: '/home/me/bin:/usr/bin' }).split(':')).toEqual(
    expect.arrayContaining(['/home/me/bin', '/usr/sbin', '/sbin']),
  );
});

test('the cache is where the user wants it', () => {
  expect(cacheAt('/a', { IOREQLAB_CACHE: '/b' }).directory).toBe('/a');
  expect(cacheAt(undefined, { IOREQLAB_CACHE: '/b', XDG_CACHE_HOME: '/c' }).directory).toBe('/b');
  expect(cacheAt(undefined, { XDG_CACHE_HOME: '/c' }).images).toBe('/c/ioreqlab/images');
  expect(cacheAt(undefined, {}).directory).toMatch(/\/\.cache\/ioreqlab$/);
});
