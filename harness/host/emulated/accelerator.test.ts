import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { detectAccelerator, type KvmPaths } from './accelerator.ts';
import { test } from './testing/test-in-directory.ts';

async function machineWith(
  directory: string,
  { flags, nested, device = true }: { flags: string; nested: string; device?: boolean },
): Promise<KvmPaths> {
  const at = (name: string): string => join(directory, name);
  await writeFile(at('cpuinfo'), `processor\t: 0\nflags\t\t: fpu ${flags} sse\n`);
  await writeFile(at('nested'), nested);
  if (device) await writeFile(at('kvm'), '');
  return { cpuinfo: at('cpuinfo'), device: at('kvm'), nested: [at('missing'), at('nested')] };
}

test('KVM is taken where nested virtualization works', async ({ directory }) => {
  for (const [flags, nested] of [
    ['svm', '1\n'],
    ['vmx', 'Y\n'],
  ] as const) {
    expect(await detectAccelerator('wall', await machineWith(directory, { flags, nested }))).toBe('kvm');
  }
});

test('exact timing always takes TCG', async ({ directory }) => {
  expect(await detectAccelerator('exact', await machineWith(directory, { flags: 'svm', nested: '1' }))).toBe('tcg');
});

test('TCG is taken when anything is missing', async ({ directory }) => {
  expect(await detectAccelerator('wall', await machineWith(directory, { flags: 'vme', nested: '1' }))).toBe('tcg');
  expect(await detectAccelerator('wall', await machineWith(directory, { flags: 'svm', nested: 'N' }))).toBe('tcg');
});

test('a /dev/kvm that does not open is none', async ({ directory }) => {
  const paths = await machineWith(directory, { flags: 'svm', nested: '1', device: false });
  expect(await detectAccelerator('wall', paths)).toBe('tcg');
});
