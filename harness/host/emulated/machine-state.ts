import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { QmpClient } from './qmp-client.ts';
import type { Accelerator, Timing } from './accelerator.ts';
import { imageManifestSchema } from './image-manifest.ts';
import { dom0CommandLine, machineArguments, stateFiles, xenCommandLine } from './machine.ts';

/** How long saving or restoring may take: it is a matter of milliseconds, unless the disk is slow. */
const transferMs = 120_000;

/** Everything that decides whether a saved state fits. */
export interface StateInputs {
  readonly timing: Timing;
  readonly accelerator: Accelerator;
  /** As QEMU tells it: another QEMU may have other devices. */
  readonly qemu: string;
  /** The machine and both command lines. */
  readonly machine: readonly string[];
  /** With KVM, the processor is part of the machine. */
  readonly processor: string | undefined;
}

/** `state.json` beside a saved state. */
export const stateManifestSchema = z.strictObject({
  timing: z.enum(['exact', 'wall']),
  accelerator: z.enum(['tcg', 'kvm']),
  qemu: z.string(),
  /** ISO 8601. dom0's clock goes on from here in every restored host. */
  created: z.iso.datetime(),
  /** From power-on to the saved state. */
  bootSeconds: z.number(),
  files: imageManifestSchema.shape.files,
});

/** See {@link stateManifestSchema}. */
export type StateManifest = z.infer<typeof stateManifestSchema>;

/** The inputs of a state booted now. */
export async function stateInputs(timing: Timing, accelerator: Accelerator, qemu: string): Promise<StateInputs> {
  const machine = machineArguments({ timing, accelerator, serial: { log: '' }, sshPort: 0, start: 'boot' });
  return {
    timing,
    accelerator,
    qemu,
    machine: [...machine, xenCommandLine, dom0CommandLine],
    processor: accelerator === 'kvm' ? await processorName() : undefined,
  };
}

/**
 * Stops the machine, saves its devices beside the file that is its memory, and ends QEMU.
 *
 * @throws LabError with blame `harness` when QEMU refuses
 */
export async function saveState(qmp: QmpClient, signal: AbortSignal): Promise<void> {
  await qmp.execute('stop', {}, signal);
  // A constant command line, run by a shell in the state's directory; QEMU 7.2 cannot write to a file by itself.
  await transfer(qmp, 'migrate', `exec:cat > ${stateFiles.devices}`, signal);
  await qmp.execute('quit', {}, signal);
}

/** Loads the devices that {@link saveState} saved and lets the machine run. */
export async function restoreState(qmp: QmpClient, signal?: AbortSignal): Promise<void> {
  await transfer(qmp, 'migrate-incoming', `exec:cat ${stateFiles.devices}`, signal);
  await qmp.execute('cont', {}, signal);
}

async function transfer(qmp: QmpClient, command: string, uri: string, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(transferMs)]);
  // Memory is the file itself: it is neither copied nor read.
  const capabilities = ['x-ignore-shared', 'events'].map((capability) => ({ capability, state: true }));
  await qmp.execute('migrate-set-capabilities', { capabilities }, limit);
  const ended = qmp.event(
    ({ event, data }) => event === 'MIGRATION' && (data['status'] === 'completed' || data['status'] === 'failed'),
    limit,
  );
  const [{ data }] = await Promise.all([ended, qmp.execute(command, { uri }, limit)]);
  if (data['status'] !== 'completed') {
    const why = JSON.stringify(await qmp.execute('query-migrate', {}, limit));
    throw new Error(`QEMU could not ${command}: ${why}`);
  }
}

async function processorName(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8');
  return ['model name', 'flags'].map((key) => new RegExp(`^${key}\\s*:(.*)$`, 'm').exec(text)?.[1]?.trim()).join('; ');
}
