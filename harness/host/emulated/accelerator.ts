import { readFile } from 'node:fs/promises';
import { $ } from 'zx';
import { LabError } from '../../../src/errors.ts';
import { systemPath } from './system-path.ts';

/**
 * What executes the emulated host's instructions. `tcg` translates them and works everywhere; `kvm` needs a machine that
 * lets its guests be hypervisors.
 */
export type Accelerator = 'tcg' | 'kvm';

/**
 * What the clock of an emulated host counts. `exact`: instructions, so that figures repeat. `wall`: real time.
 */
export type Timing = 'exact' | 'wall';

/** What tells whether KVM can be used. */
export interface Virtualization {
  /** As /proc/cpuinfo. */
  readonly cpuinfo: string;
  /** Files with the `nested` parameters of KVM's modules, for Intel's and AMD's processors. */
  readonly nested: readonly string[];
  /** Tries to make a virtual machine. */
  readonly makesMachines: () => Promise<boolean>;
}

const thisMachine: Virtualization = {
  cpuinfo: '/proc/cpuinfo',
  nested: ['/sys/module/kvm_intel/parameters/nested', '/sys/module/kvm_amd/parameters/nested'],
  makesMachines: async () => {
    const words = ['-accel', 'kvm', '-machine', 'none', '-S', '-nodefaults', '-display', 'none', '-monitor', 'stdio'];
    const env = { ...process.env, PATH: systemPath() };
    const { exitCode } = await $({ quiet: true, nothrow: true, env, input: 'quit\n' })`qemu-system-x86_64 ${words}`;
    return exitCode === 0;
  },
};

/**
 * The quickest accelerator that works here, unless `$IOREQLAB_ACCELERATOR` names one. Exact timing is a feature of TCG alone.
 * That KVM makes machines proves nothing: Xen inside needs virtualization extensions as well, so the processor has to show
 * them, and the module to pass them on.
 *
 * @throws LabError with blame `usage`, code `ACCELERATOR_UNKNOWN`
 */
export async function detectAccelerator(
  timing: Timing,
  machine: Virtualization = thisMachine,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Accelerator> {
  const wish = environment['IOREQLAB_ACCELERATOR'] || undefined;
  if (wish !== undefined && wish !== 'tcg' && wish !== 'kvm') {
    throw new LabError(`IOREQLAB_ACCELERATOR is '${wish}'`, {
      blame: 'usage',
      code: 'ACCELERATOR_UNKNOWN',
      next: 'set it to tcg or kvm, or not at all',
    });
  }
  if (timing === 'exact') return 'tcg';
  if (wish !== undefined) return wish;
  const flags = /^flags\s*:(.*)$/m.exec(await readText(machine.cpuinfo))?.[1]?.split(/\s+/) ?? [];
  if (!flags.includes('svm') && !flags.includes('vmx')) return 'tcg';
  const nested = await Promise.all(machine.nested.map(readText));
  if (!nested.some((text) => /^[1Yy]/.test(text))) return 'tcg';
  return (await machine.makesMachines()) ? 'kvm' : 'tcg';
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
