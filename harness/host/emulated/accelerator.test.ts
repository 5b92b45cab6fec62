import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { detectAccelerator, type Accelerator, type Timing, type Virtualization } from './accelerator.ts';
import { test } from './testing/test-in-directory.ts';

interface Case {
  readonly flags?: string;
  readonly nested?: string;
  readonly makesMachines?: boolean;
  readonly timing?: Timing;
  readonly wish?: string;
}

async function detected(directory: string, given: Case): Promise<Accelerator> {
  const { flags = 'svm', nested = '1\n', makesMachines = true, timing = 'wall', wish = '' } = given;
  const at = (name: string): string => join(directory, name);
  await writeFile(at('cpuinfo'), `processor\t: 0\nflags\t\t: fpu ${flags} sse\n`);
  await writeFile(at('nested'), nested);
  const machine: Virtualization = {
    cpuinfo: at('cpuinfo'),
    nested: [at('missing'), at('nested')],
    makesMachines: async () => makesMachines,
  };
  return await detectAccelerator(timing, machine, { IOREQLAB_ACCELERATOR: wish });
}

test('KVM is taken where nested virtualization works', async ({ directory }) => {
  expect(await detected(directory, {})).toBe('kvm');
  expect(await detected(directory, { flags: 'vmx', nested: 'Y\n' })).toBe('kvm');
});

test('TCG is taken when anything is missing', async ({ directory }) => {
  expect(await detected(directory, { flags: 'vme' })).toBe('tcg');
  expect(await detected(directory, { nested: 'N\n' })).toBe('tcg');
  expect(await detected(directory, { makesMachines: false })).toBe('tcg');
});

test('exact timing always takes TCG', async ({ directory }) => {
  expect(await detected(directory, { timing: 'exact' })).toBe('tcg');
  expect(await detected(directory, { timing: 'exact', wish: 'kvm' })).toBe('tcg');
});

test('the user may have a wish, but a sensible one', async ({ directory }) => {
  expect(await detected(directory, { wish: 'tcg' })).toBe('tcg');
  expect(await detected(directory, { wish: 'kvm', flags: 'none' })).toBe('kvm');
  await expect(detected(directory, { wish: 'hax' })).rejects.toMatchObject({
    blame: 'usage',
    code: 'ACCELERATOR_UNKNOWN',
  });
});
