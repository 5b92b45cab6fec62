import type { StatsFs } from 'node:fs';
import type { statfs } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { LabError } from '../../../src/errors.ts';
import { explainBuildFailure, explainFileError, requireSpace } from './build-failure.ts';

describe('what tools print becomes an error that says what to do', () => {
  test.each([
    ['NETWORK_DOWN', "Err:1 http://host trixie InRelease\n  Could not resolve 'host'\nE: apt-get update failed"],
    ['NETWORK_DOWN', 'E: Failed to fetch http://host/x.deb  Connection timed out'],
    ['DISK_FULL', 'dpkg: error processing archive x.deb: write error: No space left on device\nE: apt failed'],
    ['DISK_FULL', 'mke2fs: Could not write to block 12: No space left on device'],
    ['IMAGE_FAILED', 'I: installing\nE: Unable to locate package xen-hypervisor-4.21-amd64\nE: setup failed'],
  ])('%s', (code, output) => {
    const error = explainBuildFailure(output, '/cache');
    expect(error).toMatchObject({ code, blame: 'host', evidence: output, next: expect.stringMatching(/\w/) });
  });

  test('the first error is told', () => {
    expect(explainBuildFailure('E: first\nE: second', '/cache').message).toContain('E: first');
  });
});

test('too little space is told before anything begins', async () => {
  const free = (async () => ({ bavail: 1024, bsize: 1024 * 1024 }) as StatsFs) as unknown as typeof statfs;
  await requireSpace('/cache', 1024 ** 3, free);
  await expect(requireSpace('/cache', 3 * 1024 ** 3, free)).rejects.toMatchObject({
    blame: 'host',
    code: 'DISK_FULL',
    message: '/cache has 1.0 GiB free; the emulated host needs 3.0 GiB there',
    next: expect.stringContaining('IOREQLAB_CACHE'),
  });
});

test('errors of the file system are explained, others are left alone', () => {
  const error = (code: string): Error => Object.assign(new Error(`${code}: nothing`), { code });
  expect(explainFileError(error('ENOSPC'), '/cache')).toMatchObject({ code: 'DISK_FULL', blame: 'host' });
  expect(explainFileError(error('EACCES'), '/cache')).toMatchObject({ code: 'CACHE_UNWRITABLE', blame: 'usage' });
  const other = new LabError('other', { blame: 'guest', code: 'OTHER' });
  expect(explainFileError(other, '/cache')).toBe(other);
});
