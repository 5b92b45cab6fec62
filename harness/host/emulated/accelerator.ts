import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';

/**
 * What executes the emulated host's instructions. `tcg` translates them and works everywhere; `kvm` needs a machine that
 * lets its guests be hypervisors.
 */
export type Accelerator = 'tcg' | 'kvm';

/**
 * What the clock of an emulated host counts. `exact`: instructions, so that figures repeat. `wall`: real time.
 */
export type Timing = 'exact' | 'wall';

/** The files that tell whether KVM can be used. */
export interface KvmPaths {
  readonly cpuinfo: string;
  readonly device: string;
  /** `nested` parameters of KVM's modules, for Intel's and AMD's processors. */
  readonly nested: readonly string[];
}

const machine: KvmPaths = {
  cpuinfo: '/proc/cpuinfo',
  device: '/dev/kvm',
  nested: ['/sys/module/kvm_intel/parameters/nested', '/sys/module/kvm_amd/parameters/nested'],
};

/**
 * The quickest accelerator that works here. Exact timing is a feature of TCG alone. /dev/kvm on its own proves nothing:
 * Xen inside needs virtualization extensions as well, so the processor has to show them, and the module to pass them on.
 */
export async function detectAccelerator(timing: Timing, paths: KvmPaths = machine): Promise<Accelerator> {
  if (timing === 'exact') return 'tcg';
  const flags = /^flags\s*:(.*)$/m.exec(await readText(paths.cpuinfo))?.[1]?.split(/\s+/) ?? [];
  if (!flags.includes('svm') && !flags.includes('vmx')) return 'tcg';
  const nested = await Promise.all(paths.nested.map(readText));
  if (!nested.some((text) => /^[1Yy]/.test(text))) return 'tcg';
  try {
    await (await open(paths.device, constants.O_RDWR)).close();
    return 'kvm';
  } catch {
    return 'tcg';
  }
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
